//! `sides restart`.

use std::time::Instant;

use platform::place::{Place as _, Which};

use crate::{
    cli::Reason,
    control::running_host,
    display::{Screen, tell},
    outcome::{self, Outcome},
    who,
    workspace::Workspace,
};

/// One process, one copy of it, or everything, one copy after the other.
pub(crate) async fn run(workspace: &Workspace, named: &str, reason: Reason) -> anyhow::Result<Outcome> {
    let Some(host) = running_host(workspace).await? else { return Ok(outcome::no_host()) };
    let screen = Screen::new();
    let why = who::why(reason.reason, "restart");
    let targets = match (named, named.split_once('.')) {
        ("all", _) => {
            let status = host.status().await?;
            status.releases.into_keys().map(|name| (name, Which::All)).collect()
        }
        (_, Some((process, _))) => vec![(process.to_owned(), Which::One(named.to_owned()))],
        (process, None) => vec![(process.to_owned(), Which::All)],
    };
    for (process, which) in targets {
        let begun = Instant::now();
        let what = match &which {
            Which::All => process.clone(),
            Which::One(copy) => copy.clone(),
        };
        host.restart(&process, which, &why).await?;
        let text = format!("{what} was started afresh; what it was before drains");
        screen.line(&tell::done(screen.palette, &text, begun.elapsed()));
    }
    Ok(Outcome::Done)
}
