//! Ticks: their rows and their jobs, together or not at all.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use queue::{EnqueueError, JobId, NamedJob, Options};
use schedule::Overlap;
use uuid::Uuid;

use crate::timeline::Due;

/// How many ticks share a transaction: few enough that a clock that comes second waits for milliseconds.
pub(crate) const BATCH: usize = 250;

/// Who fires: shown with the tick and the job.
#[derive(Debug, Clone)]
pub(crate) struct Firer {
    pub(crate) instance: Uuid,
    pub(crate) release: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FireError {
    #[error("the tick cannot be written")]
    Database(#[from] diesel::result::Error),
    /// The queue does not take a job, today or tomorrow.
    #[error("the queue refuses the job")]
    Refused(#[source] EnqueueError),
}

impl From<EnqueueError> for FireError {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Database(error) => Self::Database(error),
            refused => Self::Refused(refused),
        }
    }
}

/// What became of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fired {
    /// Here; with the job that does it, new or, merged, one that was there and may be over by now.
    Here(Option<JobId>),
    /// Another clock had it.
    Elsewhere,
}

/// The rows go in in the batch's order, which is the same on all clocks: two of them never wait for each other.
const INSERT: &str = "\
INSERT INTO sides.ticks (schedule, due_at, asked_by, fired_by)
SELECT schedule, due_at, asked_by, $4
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS due (schedule, due_at, asked_by)
ON CONFLICT DO NOTHING
RETURNING schedule, due_at";

/// The last statement: what it says of the time is as near to the commit as can be.
const SET_JOBS: &str = "\
UPDATE sides.ticks SET job_id = fired.job_id, fired_at = clock_timestamp()
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[]) AS fired (schedule, due_at, job_id)
WHERE ticks.schedule = fired.schedule AND ticks.due_at = fired.due_at";

const FORGET_RUNS: &str = "\
DELETE FROM sides.schedule_runs WHERE (schedule, asked_at) IN (
    SELECT * FROM unnest($1::text[], $2::timestamptz[]))";

#[derive(QueryableByName, PartialEq, Eq, Hash)]
struct Key {
    #[diesel(sql_type = Text)]
    schedule: String,
    #[diesel(sql_type = Timestamptz)]
    due_at: DateTime<Utc>,
}

/// Fires those ticks that no other clock has.
///
/// The primary key of the ticks decides. A clock that comes second waits until the first one commits, and finds
/// the rows; if the first one dies, its rows were never there.
pub(crate) async fn fire(
    connection: &mut Connection,
    batch: &[Due],
    firer: &Firer,
) -> Result<Vec<Fired>, FireError> {
    connection
        .transaction(async |transaction| {
            let mine = insert(transaction, batch, firer).await?;
            if batch.iter().any(|due| due.asked_by.is_some()) {
                forget_runs(transaction, batch).await?;
            }
            let here: Vec<&Due> = batch.iter().filter(|due| mine.contains(&key(due))).collect();
            let jobs: Vec<NamedJob> = here.iter().map(|due| job(due, firer)).collect();
            let ids = queue::enqueue_all_named(transaction, &jobs).await?;
            set_jobs(transaction, &here, &ids).await?;
            let ids: HashMap<Key, Option<JobId>> = here.into_iter().map(key).zip(ids).collect();
            let outcome = |due| ids.get(&key(due)).map_or(Fired::Elsewhere, |id| Fired::Here(*id));
            Ok(batch.iter().map(outcome).collect())
        })
        .await
}

fn key(due: &Due) -> Key {
    Key { schedule: due.schedule.name.clone(), due_at: due.at }
}

fn job(due: &Due, firer: &Firer) -> NamedJob {
    let schedule = &due.schedule;
    let enqueued_by = match &due.asked_by {
        Some(who) => format!("clock {} for {who}", firer.release),
        None => format!("clock {}", firer.release),
    };
    let options = Options {
        unique_key: (schedule.overlap == Overlap::Merge).then(|| format!("schedule:{}", schedule.name)),
        enqueued_by: Some(enqueued_by),
        ..Options::default()
    };
    NamedJob { kind: schedule.kind.clone(), arguments: schedule.arguments.clone(), options }
}

async fn insert(
    connection: &mut Connection,
    batch: &[Due],
    firer: &Firer,
) -> diesel::QueryResult<HashSet<Key>> {
    let rows: Vec<Key> = diesel::sql_query(INSERT)
        .bind::<Array<Text>, _>(batch.iter().map(|due| due.schedule.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(batch.iter().map(|due| due.at).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(batch.iter().map(|due| due.asked_by.as_deref()).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(firer.instance)
        .load(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn set_jobs(
    connection: &mut Connection,
    here: &[&Due],
    ids: &[Option<JobId>],
) -> diesel::QueryResult<()> {
    if here.is_empty() {
        return Ok(());
    }
    diesel::sql_query(SET_JOBS)
        .bind::<Array<Text>, _>(here.iter().map(|due| due.schedule.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(here.iter().map(|due| due.at).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(ids.iter().map(|id| id.map(|id| id.0)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

async fn forget_runs(connection: &mut Connection, batch: &[Due]) -> diesel::QueryResult<()> {
    let runs = || batch.iter().filter(|due| due.asked_by.is_some());
    diesel::sql_query(FORGET_RUNS)
        .bind::<Array<Text>, _>(runs().map(|due| due.schedule.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(runs().map(|due| due.at).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
