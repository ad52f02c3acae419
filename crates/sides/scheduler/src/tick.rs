//! Ticks: their rows and their jobs, together or not at all.

use std::collections::{HashMap, HashSet};

use ::schema::{
    schedules,
    ticks::{self, Tick},
};
use database::Connection;
use diesel_async::AsyncConnection as _;
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

/// What happened to a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fired {
    /// Here; with the job that does it, new or, merged, one that was there and may be over by now.
    Here(Option<JobId>),
    /// Another scheduler fired it.
    ByAnother,
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
            let ids: HashMap<Tick, Option<JobId>> = here.into_iter().map(key).zip(ids).collect();
            let outcome = |due| ids.get(&key(due)).map_or(Fired::ByAnother, |id| Fired::Here(*id));
            Ok(batch.iter().map(outcome).collect())
        })
        .await
}

fn key(due: &Due) -> Tick {
    Tick { schedule: due.schedule.name.clone(), due_at: due.at }
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
) -> diesel::QueryResult<HashSet<Tick>> {
    let schedules: Vec<_> = batch.iter().map(|due| due.schedule.name.as_str()).collect();
    let due_at: Vec<_> = batch.iter().map(|due| due.at).collect();
    let asked_by: Vec<_> = batch.iter().map(|due| due.asked_by.as_deref()).collect();
    let jobs: Vec<_> = jobs.iter().map(|job| job.id.0).collect();
    let fired = ticks::fire(connection, &schedules, &due_at, &asked_by, &jobs, firer.instance).await?;
    Ok(fired.into_iter().collect())
}

async fn set_jobs(
    connection: &mut Connection,
    merged: Vec<(&Due, Option<JobId>)>,
) -> diesel::QueryResult<()> {
    if merged.is_empty() {
        return Ok(());
    }
    let schedules: Vec<_> = merged.iter().map(|(due, _)| due.schedule.name.as_str()).collect();
    let due_at: Vec<_> = merged.iter().map(|(due, _)| due.at).collect();
    let jobs: Vec<_> = merged.iter().map(|(_, id)| id.map(|id| id.0)).collect();
    ticks::set_jobs(connection, &schedules, &due_at, &jobs).await
}

async fn forget_runs(connection: &mut Connection, batch: &[Due]) -> diesel::QueryResult<()> {
    let runs = || batch.iter().filter(|due| due.asked_by.is_some());
    let names: Vec<_> = runs().map(|due| due.schedule.name.as_str()).collect();
    let asked_at: Vec<_> = runs().map(|due| due.at).collect();
    schedules::forget_runs(connection, &names, &asked_at).await
}
