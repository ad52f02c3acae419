//! The same migration once more, on tables that have rows: what is done row by row shows only then.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error};

use super::{
    Probe, Scratch,
    observe::{KNOWN, Reading, known},
    probes::{ROWS, TRY, trying},
};
use crate::{class::Seen, script::Script, session, sql::tokens};

/// No batch that somebody writes out is larger.
const LARGEST_BATCH: u32 = 1000;

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
    // A lock that ends with its session would be waited for, for ever.
    scratch.eye.batch_execute("ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()").await?;
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
        let limited = limited(eye, probes, &statement.text).await?;
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
        steps.push((std::mem::replace(&mut last, now.clone()), now, limited));
    }
    let oids: Vec<u32> = steps.last().map(|(_, now, _)| now.oids().collect()).unwrap_or_default();
    // The other session sees what is committed.
    let known = known(&scratch.client.query(KNOWN, &[&oids]).await?);
    let seen = |(before, now, limited): &(Reading, Reading, BTreeSet<u32>)| {
        let limited = limited.iter().filter_map(|oid| known.get(oid)).map(|one| one.name.clone()).collect();
        Seen { limited, ..before.until(now, &known) }
    };
    Ok(steps.iter().map(seen).collect())
}

/// Tables of which a statement changes so many rows as its LIMIT says, however many there are.
async fn limited(eye: &Client, probes: &[Probe], text: &str) -> Result<BTreeSet<u32>, Error> {
    let found = tokens(text);
    let limits =
        found.windows(2).filter(|two| two[0].is("limit")).filter_map(|two| two[1].text.parse::<i64>().ok());
    let limits: BTreeSet<i64> = limits.filter(|limit| *limit <= i64::from(LARGEST_BATCH)).collect();
    if limits.is_empty() {
        return Ok(BTreeSet::new());
    }
    eye.batch_execute("SAVEPOINT many; SET LOCAL statement_timeout = '10s'").await?;
    let (first, last) = (ROWS + 1, ROWS + 3 * LARGEST_BATCH);
    let more: Vec<String> = probes.iter().filter_map(|probe| probe.fill_more(first, last)).collect();
    let empty = Reading::now(eye).await?;
    without_triggers(eye, &more).await?;
    let before = Reading::now(eye).await?;
    let done = eye.batch_execute(text).await;
    let mut limited = BTreeSet::new();
    if done.is_ok() {
        let now = Reading::now(eye).await?;
        let has_many = |oid: u32, limit: i64| before.added_since(&empty, oid) >= 2 * limit;
        limited = now
            .changed_since(&before)
            .filter(|(oid, rows)| limits.contains(rows) && has_many(*oid, *rows))
            .map(|(oid, _)| oid)
            .collect();
    }
    eye.batch_execute("ROLLBACK TO SAVEPOINT many").await?;
    Ok(limited)
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

/// Turns triggers and foreign keys off (`replica`) or on (`origin`) for the transaction, where that is allowed.
pub(super) fn triggers(role: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('session_replication_role', '{role}', true)
         FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper"
    )
}

/// Runs what applies of these statements, without triggers and foreign keys where that is allowed.
pub(super) async fn without_triggers(eye: &Client, statements: &[String]) -> Result<(), Error> {
    let text = format!("{}; {}; {}", triggers("replica"), trying(statements), triggers("origin"));
    eye.simple_query(&text).await.map(drop)
}
