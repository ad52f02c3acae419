//! The same migration once more, on tables that have rows: what is done row by row shows only then.

use tokio_postgres::{Client, Error};

use super::{
    Probe, Scratch,
    observe::{Reading, known},
    probes::{TRY, try_all},
};
use crate::{class::Seen, script::Script, session};

/// Enough to tell all rows from one.
const ROWS: u32 = 60;

/// What each statement was seen to do to filled tables, as far as they go: made rows may fail for their values.
/// Everything is undone.
pub(crate) async fn with_rows(
    scratch: &Scratch,
    script: &Script<'_>,
    probes: &[Probe],
) -> Result<Vec<Seen>, Error> {
    session::settle(&scratch.eye).await?;
    scratch.eye.batch_execute("BEGIN").await?;
    let seen = inside(scratch, script, probes).await;
    scratch.eye.batch_execute("ROLLBACK").await?;
    // The migration may have changed the session as well.
    session::settle(&scratch.eye).await?;
    // What fails here is not the migration's fault: then nothing was seen.
    Ok(seen.unwrap_or_default())
}

async fn inside(scratch: &Scratch, script: &Script<'_>, probes: &[Probe]) -> Result<Vec<Seen>, Error> {
    let eye = &scratch.eye;
    fill(eye, probes).await?;
    let mut last = Reading::base(eye).await?;
    let mut steps = Vec::new();
    for statement in &script.statements {
        if statement.concurrent.is_some() || scratch.skips(&statement.text) {
            break;
        }
        eye.batch_execute("SAVEPOINT made; SET LOCAL statement_timeout = '10s'").await?;
        if eye.batch_execute(&statement.text).await.is_err() {
            // Made rows that refer to each other, or a trigger, may be in its way.
            let again = format!("{WITHOUT_TRIGGERS}; {}; {WITH_TRIGGERS}", statement.text);
            eye.batch_execute("ROLLBACK TO SAVEPOINT made").await?;
            if !is_superuser(eye).await? || eye.batch_execute(&again).await.is_err() {
                eye.batch_execute("ROLLBACK TO SAVEPOINT made").await?;
                break;
            }
        }
        let now = Reading::now(eye).await?.with_counts_of(&last);
        steps.push((std::mem::replace(&mut last, now.clone()), now));
    }
    let oids: Vec<u32> = steps.last().map(|(_, now)| now.oids().collect()).unwrap_or_default();
    // The other session sees what is committed.
    let known = known(&scratch.client, &oids).await?;
    Ok(steps.iter().map(|(before, now)| before.until(now, &known)).collect())
}

async fn fill(eye: &Client, probes: &[Probe]) -> Result<(), Error> {
    eye.batch_execute(TRY).await?;
    without_triggers(eye, &probes.iter().filter_map(|probe| probe.fill(ROWS)).collect::<Vec<_>>()).await
}

const WITHOUT_TRIGGERS: &str = "SET LOCAL session_replication_role = replica";
const WITH_TRIGGERS: &str = "SET LOCAL session_replication_role = origin";

async fn is_superuser(eye: &Client) -> Result<bool, Error> {
    let question = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    Ok(eye.query_one(question, &[]).await?.get(0))
}

/// Runs what applies of these statements, without triggers and foreign keys where that is allowed.
pub(super) async fn without_triggers(eye: &Client, statements: &[String]) -> Result<(), Error> {
    let is_superuser = is_superuser(eye).await?;
    if is_superuser {
        eye.batch_execute(WITHOUT_TRIGGERS).await?;
    }
    try_all(eye, statements).await?;
    if is_superuser {
        eye.batch_execute(WITH_TRIGGERS).await?;
    }
    Ok(())
}
