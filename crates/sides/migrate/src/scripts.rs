//! Runs scripts of migrations, one after the other, in the session of their runner.

use std::time::Instant;

use database::DatabaseUrl;
use tokio_postgres::Client;

use crate::{
    Event, MigrateError, Options, identity::Identity, script::Script, session, step::Hands, watch::Watch,
};

/// Runs the scripts in their order; `names` gets those that were completed.
pub(crate) async fn run(
    client: &Client,
    url: &DatabaseUrl,
    scripts: &[Script<'_>],
    options: &Options,
    names: &mut Vec<String>,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<(), MigrateError> {
    if scripts.is_empty() {
        return Ok(());
    }
    let watch = Watch::start(url, session::pid(client).await?).await;
    let own = Identity::of(client).await?;
    let mut hands = Hands { client, watch: &watch, options, own: &own, tell };
    for script in scripts {
        let (migration, direction) = (script.migration.name().to_owned(), script.direction);
        let begun = Instant::now();
        (hands.tell)(Event::Begins { migration: migration.clone(), direction });
        if !hands.run(script).await? {
            continue;
        }
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        (hands.tell)(Event::Done { migration: migration.clone(), direction, milliseconds });
        names.push(migration);
    }
    Ok(())
}
