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

/// How many ticks share a transaction: few enough that a scheduler that comes second waits for milliseconds.
pub(crate) const BATCH: usize = 250;

/// Who fires: shown with the tick and the job.
#[derive(Debug, Clone)]
pub(crate) struct Firer {
    pub(crate) process: &'static str,
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
    /// Another scheduler fired it.
    ByAnother,
}

/// The rows go in in the batch's order, which is the same on all schedulers: two of them never wait for each other. They
/// name jobs that come after them, in the same transaction: so no row is written twice.
const INSERT: &str = "\
INSERT INTO sides.ticks (schedule, due_at, asked_by, job_id, fired_by, fired_at)
SELECT schedule, due_at, asked_by, job_id, $5, clock_timestamp()
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::uuid[]) AS due (schedule, due_at, asked_by, job_id)
ON CONFLICT DO NOTHING
RETURNING schedule, due_at";

/// For those whose job was there already, or is over.
const SET_JOBS: &str = "\
UPDATE sides.ticks SET job_id = merged.job_id
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[]) AS merged (schedule, due_at, job_id)
WHERE ticks.schedule = merged.schedule AND ticks.due_at = merged.due_at";

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

/// Fires those ticks that no other scheduler has.
///
/// The primary key of the ticks decides. A scheduler that comes second waits until the first one commits, and finds
/// the rows; if the first one dies, its rows were never there.
pub(crate) async fn fire(
    connection: &mut Connection,
    batch: &[Due],
    firer: &Firer,
) -> Result<Vec<Fired>, FireError> {
    connection
        .transaction(async |transaction| {
            let jobs: Vec<NamedJob> = batch.iter().map(|due| job(due, firer)).collect();
            let mine = insert(transaction, batch, &jobs, firer).await?;
            if batch.iter().any(|due| due.asked_by.is_some()) {
                forget_runs(transaction, batch).await?;
            }
            let (here, jobs): (Vec<&Due>, Vec<NamedJob>) =
                batch.iter().zip(jobs).filter(|(due, _)| mine.contains(&key(due))).unzip();
            let ids = queue::enqueue_all_named(transaction, &jobs).await?;
            let merged = here.iter().zip(&jobs).zip(&ids).filter(|((_, job), id)| **id != Some(job.id));
            set_jobs(transaction, merged.map(|((due, _), id)| (*due, *id)).collect()).await?;
            let ids: HashMap<Key, Option<JobId>> = here.into_iter().map(key).zip(ids).collect();
            let outcome = |due| ids.get(&key(due)).map_or(Fired::ByAnother, |id| Fired::Here(*id));
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
        Some(who) => format!("{} {} for {who}", firer.process, firer.release),
        None => format!("{} {}", firer.process, firer.release),
    };
    let options = Options {
        unique_key: (schedule.overlap == Overlap::Merge).then(|| format!("schedule:{}", schedule.name)),
        enqueued_by: Some(enqueued_by),
        ..Options::default()
    };
    NamedJob {
        id: JobId::generate(),
        kind: schedule.kind.clone(),
        arguments: schedule.arguments.clone(),
        version: schedule.version,
        options,
    }
}

async fn insert(
    connection: &mut Connection,
    batch: &[Due],
    jobs: &[NamedJob],
    firer: &Firer,
) -> diesel::QueryResult<HashSet<Key>> {
    let rows: Vec<Key> = diesel::sql_query(INSERT)
        .bind::<Array<Text>, _>(batch.iter().map(|due| due.schedule.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(batch.iter().map(|due| due.at).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(batch.iter().map(|due| due.asked_by.as_deref()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.id.0).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(firer.instance)
        .load(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn set_jobs(
    connection: &mut Connection,
    merged: Vec<(&Due, Option<JobId>)>,
) -> diesel::QueryResult<()> {
    if merged.is_empty() {
        return Ok(());
    }
    let schedules = merged.iter().map(|(due, _)| due.schedule.name.as_str());
    diesel::sql_query(SET_JOBS)
        .bind::<Array<Text>, _>(schedules.collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(merged.iter().map(|(due, _)| due.at).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            merged.iter().map(|(_, id)| id.map(|id| id.0)).collect::<Vec<_>>(),
        )
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
