//! What the database knows of releases: one at a time, and each of them for ever.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;
use planner::WaitingJob;

use super::{judge::Attempts, receipt::Receipt};
use crate::releases::Digest;
use crate::who;

/// Held by the session, so the death of a release frees it.
const LOCK: i64 = ::schema::locks::RELEASE;

/// Postgres notices the end of a release that has just ended a moment later.
const LAST_ONE_LEAVES: Duration = Duration::from_secs(3);

/// The session of one release.
pub(super) struct Ledger {
    connection: Connection,
    begun_at: DateTime<Utc>,
    /// The row of this release, once there is one.
    number: Option<i64>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Tally {
    #[diesel(sql_type = BigInt)]
    all: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

const IS_LEFT: &str = "\
SELECT EXISTS (SELECT FROM sides.fang_tasks WHERE kind = $1 AND version = $2
    AND state IN ('new', 'retried', 'in_progress')) AS answer";

/// A copy holds a shared lock on its release for as long as its session lives, and beats its row. Both must have ended:
/// a row outlives a copy that was killed for a moment, and a lock does not outlive a copy that lost its session.
const IS_LIVE: &str = "\
SELECT NOT pg_try_advisory_xact_lock(hashtextextended($1 || '@' || $2, 0)) OR EXISTS (
    SELECT FROM sides.instances WHERE process = $1 AND release = $2
        AND state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds') AS answer";

const ATTEMPTS: &str = "\
SELECT count(*) AS all, count(*) FILTER (WHERE outcome IN ('retried', 'failed', 'parked', 'discarded')) AS failed FROM (
    SELECT outcome FROM sides.job_attempts
    WHERE release = $1 AND outcome <> 'released' AND ended_at > now() - interval '1 hour'
    UNION ALL SELECT outcome FROM sides.job_history WHERE release = $1 AND finished_at > now() - interval '1 hour'
) AS attempts";

const INSERT: &str = "\
INSERT INTO sides.releases (started_at, asked_by, outcome, receipt)
SELECT $1, $2, $3, $4::jsonb WHERE $5::bigint IS NULL RETURNING id";

const UPDATE: &str = "\
UPDATE sides.releases SET started_at = $1, asked_by = $2, outcome = $3, receipt = $4::jsonb, ended_at = clock_timestamp()
WHERE id = $5 RETURNING id";

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
        Ok(Self { connection, begun_at: now.now, number: None })
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

    /// What became of the jobs that a release worked in the last hour.
    pub(super) async fn attempts_of(&mut self, release: &Digest) -> QueryResult<Attempts> {
        let tally: Tally = diesel::sql_query(ATTEMPTS)
            // As the host names it to its children.
            .bind::<Text, _>(release.to_string())
            .get_result(&mut self.connection)
            .await?;
        Ok(Attempts { all: tally.all, failed: tally.failed })
    }

    /// Stores the receipt as it stands: a new row the first time, that row from then on.
    pub(super) async fn record(&mut self, receipt: &Receipt) -> anyhow::Result<i64> {
        let recorded: QueryResult<Number> =
            diesel::sql_query(if self.number.is_some() { UPDATE } else { INSERT })
                .bind::<Timestamptz, _>(self.begun_at)
                .bind::<Text, _>(who::am_i())
                .bind::<Text, _>(receipt.outcome.name())
                .bind::<Text, _>(serde_json::to_string(receipt)?)
                .bind::<Nullable<BigInt>, _>(self.number)
                .get_result(&mut self.connection)
                .await;
        let number = recorded
            .context("the receipt cannot be stored; is the schema up to date? run `sides migration up`")?
            .id;
        self.number = Some(number);
        Ok(number)
    }
}
