//! What the database knows of releases: one at a time, and each of them for ever.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use release::WaitingJob;
use serde::Serialize;

use super::receipt::Receipt;
use crate::releases::Digest;
use crate::who;

/// The bytes of "sidesrel". Held by the session, so the death of a release frees it.
const LOCK: i64 = i64::from_be_bytes(*b"sidesrel");

/// Postgres notices the end of a release that has just ended a moment later.
const LAST_ONE_LEAVES: Duration = Duration::from_secs(3);

/// The session of one release.
pub(super) struct Ledger {
    connection: Connection,
    begun_at: DateTime<Utc>,
}

/// What became of the jobs while a release went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, QueryableByName)]
pub(crate) struct Jobs {
    /// In the queue when it began.
    #[diesel(sql_type = BigInt)]
    pub(crate) waiting_before: i64,
    /// Of those, neither in the queue nor in the history any more.
    #[diesel(sql_type = BigInt)]
    pub(crate) lost: i64,
    /// Ended meanwhile, well or not.
    #[diesel(sql_type = BigInt)]
    pub(crate) ended: i64,
    /// Of those, not well.
    #[diesel(sql_type = BigInt)]
    pub(crate) failed: i64,
    /// In the queue now.
    #[diesel(sql_type = BigInt)]
    pub(crate) waiting_after: i64,
}

/// What became of the ticks.
#[derive(Debug, Clone, PartialEq, Serialize, QueryableByName)]
pub(crate) struct Ticks {
    /// Due moments that fired meanwhile.
    #[diesel(sql_type = BigInt)]
    pub(crate) fired: i64,
    /// How late the latest of them was, in seconds.
    #[diesel(sql_type = Nullable<Double>)]
    pub(crate) latest_seconds: Option<f64>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

const JOBS: &str = "\
SELECT (SELECT count(*) FROM release_jobs) AS waiting_before,
    (SELECT count(*) FROM release_jobs WHERE NOT EXISTS (SELECT FROM sides.fang_tasks WHERE fang_tasks.id = release_jobs.id)
        AND NOT EXISTS (SELECT FROM sides.job_history WHERE job_history.id = release_jobs.id)) AS lost,
    (SELECT count(*) FROM sides.job_history WHERE finished_at >= $1) AS ended,
    (SELECT count(*) FROM sides.job_history WHERE finished_at >= $1 AND error IS NOT NULL) AS failed,
    (SELECT count(*) FROM sides.fang_tasks WHERE state <> 'finished') AS waiting_after";

const TICKS: &str = "\
SELECT count(*) AS fired, extract(epoch FROM max(fired_at - due_at))::float8 AS latest_seconds
FROM sides.ticks WHERE fired_at >= $1";

const HAS_QUEUE: &str = "SELECT to_regclass('sides.fang_tasks') IS NOT NULL AS answer";

const IS_LEFT: &str = "\
SELECT EXISTS (SELECT FROM sides.fang_tasks WHERE kind = $1 AND version = $2
    AND state IN ('new', 'retried', 'in_progress')) AS answer";

/// A copy holds a shared lock on its release for as long as its session lives, and beats its row. Both must have ended:
/// a row outlives a copy that was killed for a moment, and a lock does not outlive a copy that lost its session.
const IS_LIVE: &str = "\
SELECT NOT pg_try_advisory_xact_lock(hashtextextended($1 || '@' || $2, 0)) OR EXISTS (
    SELECT FROM sides.instances WHERE process = $1 AND release = $2
        AND state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds') AS answer";

const RECORD: &str = "\
INSERT INTO sides.releases (started_at, asked_by, outcome, receipt) VALUES ($1, $2, $3, $4::jsonb)";

impl Ledger {
    /// Takes the place of the one release that may go on.
    pub(super) async fn open(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let mut connection = database::connect(&url.with_application_name("sides release")).await?;
        let lock = format!("SELECT pg_try_advisory_lock({LOCK}) AS answer");
        let deadline = Instant::now() + LAST_ONE_LEAVES;
        loop {
            let taken: Answer = diesel::sql_query(&lock).get_result(&mut connection).await?;
            if taken.answer {
                break;
            }
            if Instant::now() > deadline {
                bail!("another release goes on with this database; wait until it has ended");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let now: Now = diesel::sql_query("SELECT now() AS now").get_result(&mut connection).await?;
        Ok(Self { connection, begun_at: now.now })
    }

    /// Remembers the jobs that wait now: none of them may be missing in the end.
    pub(super) async fn begin(&mut self) -> anyhow::Result<()> {
        // A first release brings the queue itself.
        let found: Answer = diesel::sql_query(HAS_QUEUE).get_result(&mut self.connection).await?;
        let remember = match found.answer {
            true => "CREATE TEMPORARY TABLE release_jobs AS SELECT id FROM sides.fang_tasks",
            false => "CREATE TEMPORARY TABLE release_jobs (id uuid)",
        };
        let now: Now =
            diesel::sql_query("SELECT clock_timestamp() AS now").get_result(&mut self.connection).await?;
        self.begun_at = now.now;
        let remembered = self.connection.batch_execute(remember).await;
        remembered.context("the queue cannot be read; is the schema up to date? run `sides migration up`")
    }

    /// Waits until no job of these kinds and versions is queued, scheduled, running or to be tried again.
    pub(super) async fn wait_until_none_is_left(
        &mut self,
        jobs: &[WaitingJob],
        limit: Duration,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        for job in jobs {
            loop {
                let left: Answer = diesel::sql_query(IS_LEFT)
                    .bind::<Text, _>(&job.kind)
                    .bind::<Integer, _>(i32::from(job.version))
                    .get_result(&mut self.connection)
                    .await?;
                if !left.answer {
                    break;
                }
                if Instant::now() > deadline {
                    bail!(
                        "jobs of {job} are still there after {} s, and the next step takes away who works them: \
                         release again when they are done, or keep their handler for now",
                        limit.as_secs()
                    );
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Whether a copy of this release says that it lives.
    pub(super) async fn is_live(&mut self, process: &str, release: &Digest) -> QueryResult<bool> {
        let live: Answer = diesel::sql_query(IS_LIVE)
            .bind::<Text, _>(process)
            // As the host names it to its children.
            .bind::<Text, _>(release.to_string())
            .get_result(&mut self.connection)
            .await?;
        Ok(live.answer)
    }

    pub(super) async fn jobs(&mut self) -> QueryResult<Jobs> {
        diesel::sql_query(JOBS).bind::<Timestamptz, _>(self.begun_at).get_result(&mut self.connection).await
    }

    pub(super) async fn ticks(&mut self) -> QueryResult<Ticks> {
        diesel::sql_query(TICKS).bind::<Timestamptz, _>(self.begun_at).get_result(&mut self.connection).await
    }

    pub(super) async fn record(&mut self, receipt: &Receipt) -> anyhow::Result<()> {
        let recorded = diesel::sql_query(RECORD)
            .bind::<Timestamptz, _>(self.begun_at)
            .bind::<Text, _>(who::am_i())
            .bind::<Text, _>(receipt.outcome.name())
            .bind::<Text, _>(serde_json::to_string(receipt)?)
            .execute(&mut self.connection)
            .await;
        recorded
            .map(drop)
            .context("the receipt cannot be stored; is the schema up to date? run `sides migration up`")
    }
}
