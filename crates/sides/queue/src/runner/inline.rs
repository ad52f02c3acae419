//! One job at a time in the caller's own task, over the caller's own connection: for tests.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::{Connection, Moment};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, Double, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use job::Job;
use uuid::Uuid;

use super::{
    attempt,
    sql::{claim, finish, give_back},
    stop::Stop,
};
pub(crate) use super::{outcome::Outcome, sql::claim::Claimed};
use crate::{EnqueueError, Options, Registry, insert::NewJob, prepared::Prepared};

const RELEASE: &str = "test";

/// A job as it would be claimed the first time.
pub(crate) fn claimed<J: Job>(job: &J) -> Result<Claimed, EnqueueError> {
    let row = NewJob::of(job, &Options::default())?;
    Ok(Claimed {
        id: row.id,
        lease: 1,
        attempt: 1,
        kind: row.kind,
        version: row.version,
        metadata: row.metadata,
        position: (row.priority, Utc::now(), row.id),
        trace: None,
        queue: row.queue,
        failures: 0,
    })
}

/// Runs one attempt to its end.
pub(crate) async fn attempt<S: Clone + Send + Sync + 'static>(
    registry: &Registry<S>,
    job: &Claimed,
) -> Outcome {
    let stop = Stop::default();
    match attempt::open(registry, job, &stop) {
        Ok(opened) => attempt::run(opened, job, &stop, Duration::ZERO).await,
        Err(outcome) => outcome,
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    lease: i32,
    #[diesel(sql_type = SmallInt)]
    attempt: i16,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SmallInt)]
    version: i16,
    #[diesel(sql_type = Text)]
    metadata: String,
    #[diesel(sql_type = SmallInt)]
    priority: i16,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    scheduled_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    trace: Option<String>,
    #[diesel(sql_type = Text)]
    task_type: String,
    #[diesel(sql_type = Integer)]
    retries: i32,
}

/// Takes the next job that is due.
pub(crate) async fn claim(c: &mut Connection, owner: Uuid, kinds: &[&str]) -> QueryResult<Option<Claimed>> {
    let query = diesel::sql_query(claim::UNLIMITED)
        .bind::<Array<Text>, _>(kinds)
        .bind::<BigInt, _>(1)
        .bind::<SqlUuid, _>(owner);
    let rows: Vec<Row> = Prepared(query).load(c).await?;
    Ok(rows.into_iter().next().map(|row| Claimed {
        id: row.id,
        lease: row.lease,
        attempt: row.attempt,
        kind: row.kind,
        version: row.version,
        metadata: row.metadata,
        position: (row.priority, row.scheduled_at, row.id),
        trace: row.trace,
        queue: row.task_type,
        failures: row.retries,
    }))
}

/// Writes what became of a job.
pub(crate) async fn write(c: &mut Connection, owner: Uuid, outcome: &Outcome) -> QueryResult<()> {
    match outcome {
        Outcome::Over(job) => {
            let (outcome, error) =
                job.otherwise.as_ref().map_or(("finished", None), |(name, why)| (*name, Some(why.as_str())));
            let query = diesel::sql_query(finish::OTHERWISE)
                .bind::<SqlUuid, _>(owner)
                .bind::<Array<SqlUuid>, _>(vec![job.id])
                .bind::<Array<Integer>, _>(vec![job.lease])
                .bind::<Array<BigInt>, _>(vec![job.duration_us])
                .bind::<Text, _>(RELEASE)
                .bind::<Array<Text>, _>(vec![outcome])
                .bind::<Array<Nullable<Text>>, _>(vec![error]);
            Prepared(query).execute(c).await.map(drop)
        }
        Outcome::Return(job) => {
            let query = diesel::sql_query(give_back::GIVE_BACK)
                .bind::<SqlUuid, _>(owner)
                .bind::<Array<SqlUuid>, _>(vec![job.id])
                .bind::<Array<Integer>, _>(vec![job.lease])
                .bind::<Text, _>(RELEASE)
                .bind::<Array<Text>, _>(vec![job.outcome.name()])
                .bind::<Array<Double>, _>(vec![job.wait_seconds])
                .bind::<Array<Nullable<Text>>, _>(vec![job.error.as_deref()])
                .bind::<Array<Nullable<BigInt>>, _>(vec![job.duration_us]);
            Prepared(query).execute(c).await.map(drop)
        }
    }
}
