//! For tests of handlers, and of those who enqueue.
//!
//! Nothing here runs in the background: [`run()`] runs one handler, [`drain`] works what is due, both in the test's own
//! task, and both through the same steps as a [`crate::Runner`]: arguments are decoded from what was stored, a panic
//! or a timeout is an outcome. On a connection within a transaction that is never committed, all of it leaves no trace.
//!
//! ```no_run
//! # use sides_queue::{Registry, testing};
//! # #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! # struct SendReport {}
//! # impl job::Job for SendReport { const KIND: &'static str = "send_report"; }
//! # async fn test<S: Clone + Send + Sync + 'static>(c: &mut database::Connection, registry: &Registry<S>)
//! # -> diesel::QueryResult<()> {
//! testing::assert_enqueued(c, &SendReport {}).await?;
//! for ran in testing::drain(c, registry).await? {
//!     assert_eq!(ran.outcome, "finished", "{}: {:?}", ran.kind, ran.error);
//! }
//! # Ok(()) }
//! ```

use std::fmt::Debug;

use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use job::Job;
use uuid::Uuid;

use crate::{
    EnqueueError, JobId, Registry,
    prepared::Prepared,
    registry::read,
    runner::inline::{self, Claimed, Outcome},
};

/// A job that has run, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The job; in [`run()`] one that exists nowhere.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// `finished`, `discarded`, `cancelled`, `retried`, `snoozed`, `failed` or `parked`.
    pub outcome: &'static str,
    /// Why, unless it finished.
    pub error: Option<String>,
}

/// Runs a job's first attempt, without a queue or a database: its arguments are written and read as they would be.
///
/// # Errors
/// When such a job could not be enqueued.
pub async fn run<S: Clone + Send + Sync + 'static, J: Job>(
    registry: &Registry<S>,
    job: &J,
) -> Result<Ran, EnqueueError> {
    let claimed = inline::claimed(job)?;
    let outcome = inline::attempt(registry, &claimed).await;
    Ok(ran(&claimed, &outcome))
}

/// Works what is due and of a known kind, one after the other and what is enqueued meanwhile too, until nothing is.
/// Outcomes are written: a job that failed waits for its next attempt, and is not due until then.
///
/// Pauses hold; limits do not count, as only one job runs at a time.
///
/// # Errors
/// When the database refuses.
pub async fn drain<S: Clone + Send + Sync + 'static>(
    connection: &mut Connection,
    registry: &Registry<S>,
) -> QueryResult<Vec<Ran>> {
    let (owner, mut all) = (Uuid::now_v7(), Vec::new());
    // A runner beside would take the jobs of an owner without a lease for lost.
    let lease = "INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until) \
        VALUES ($1, $1, 'test', $2, 1, now() + interval '1 day')";
    let kinds = registry.kinds();
    let query = diesel::sql_query(lease).bind::<SqlUuid, _>(owner).bind::<Array<Text>, _>(&kinds);
    Prepared(query).execute(connection).await?;
    while let Some(job) = inline::claim(connection, owner, &kinds).await? {
        let outcome = inline::attempt(registry, &job).await;
        inline::write(connection, owner, &outcome).await?;
        all.push(ran(&job, &outcome));
    }
    let query = diesel::sql_query("DELETE FROM sides.runners WHERE id = $1").bind::<SqlUuid, _>(owner);
    Prepared(query).execute(connection).await?;
    Ok(all)
}

/// The jobs of a kind that wait, those due first in front. One whose arguments cannot be read fails the test.
///
/// # Errors
/// When the database refuses.
///
/// # Panics
/// When arguments do not decode.
pub async fn enqueued<J: Job>(connection: &mut Connection) -> QueryResult<Vec<J>> {
    let sql = "SELECT metadata::text AS metadata, version FROM sides.fang_tasks WHERE kind = $1 \
        AND state IN ('new', 'retried') ORDER BY scheduled_at, id";
    let query = diesel::sql_query(sql).bind::<Text, _>(J::KIND);
    let rows: Vec<Waiting> = Prepared(query).load(connection).await?;
    Ok(rows.iter().map(Waiting::job).collect())
}

/// Fails the test unless exactly one job like this waits.
///
/// # Errors
/// When the database refuses.
///
/// # Panics
/// When there is none, or more than one; it shows those of the kind.
pub async fn assert_enqueued<J: Job + PartialEq + Debug>(
    connection: &mut Connection,
    job: &J,
) -> QueryResult<()> {
    let there = enqueued::<J>(connection).await?;
    let count = there.iter().filter(|waiting| *waiting == job).count();
    assert!(count == 1, "{count} jobs like {job:?} wait, not one; of this kind there are: {there:#?}");
    Ok(())
}

fn ran(job: &Claimed, outcome: &Outcome) -> Ran {
    let (outcome, error) = match outcome {
        Outcome::Over(job) => match &job.otherwise {
            None => ("finished", None),
            Some((outcome, reason)) => (*outcome, Some(reason.clone())),
        },
        Outcome::Return(job) => (job.outcome.name(), job.error.clone()),
    };
    Ran { id: JobId(job.id), kind: job.kind.clone(), outcome, error }
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Text)]
    metadata: String,
    #[diesel(sql_type = SmallInt)]
    version: i16,
}

impl Waiting {
    fn job<J: Job>(&self) -> J {
        let metadata = serde_json::from_str(&self.metadata);
        metadata.and_then(|metadata| read(metadata, u16::try_from(self.version).unwrap_or(1))).unwrap_or_else(
            |error| panic!("a waiting {} does not decode: {error}: {}", J::KIND, self.metadata),
        )
    }
}
