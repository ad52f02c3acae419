//! A scratch server, if a migration has to be tried.

use database::DatabaseUrl;
use migrate::{Migration, State};
use workspace::Workspace;

use super::Obstacle;

pub(super) async fn look(workspace: &Workspace, url: &DatabaseUrl) -> Option<Obstacle> {
    let folder = workspace.root().join("migrations");
    // What cannot be read is said by who needs it, with its line.
    let own = if folder.is_dir() { Migration::read_all(&folder).ok()? } else { return None };
    let all = migrate::with_chassis(own).ok()?;
    let states = migrate::status(url, &all).await.ok()?;
    if states.iter().all(|status| status.state != State::Pending) {
        return None;
    }
    let error = migrate::try_scratch(url).await.err()?;
    let text = format!(
        "there are pending migrations, and they cannot be tried first: {}",
        first_line(&error.to_string())
    );
    let next = "install Postgres' server programs on this machine (`sides doctor` says how), or let the user make \
                databases: ALTER ROLE … CREATEDB";
    Some(Obstacle::new("scratch server", text, next))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
