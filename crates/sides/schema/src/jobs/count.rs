//! What happened to the jobs since a moment: the receipt of a release says it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Array, BigInt, SmallInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to the jobs during a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, QueryableByName)]
#[serde(default)]
pub struct Jobs {
    /// In the queue when it began.
    #[diesel(sql_type = BigInt)]
    pub waiting_before: i64,
    /// Enqueued meanwhile.
    #[diesel(sql_type = BigInt)]
    pub enqueued: i64,
    /// Run to their end, well or not.
    #[diesel(sql_type = BigInt)]
    #[serde(alias = "ended")]
    pub run: i64,
    /// Given up: by their handler, or after their last attempt.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Given back by a worker that drained, as if it had not had them. At least so many were seen.
    #[diesel(sql_type = BigInt)]
    pub given_back: i64,
    /// Attempts that failed, and will be made again.
    #[diesel(sql_type = BigInt)]
    pub retried: i64,
    /// Attempts that ended with their worker, and will be made again.
    #[diesel(sql_type = BigInt)]
    pub rescued: i64,
    /// Known, and now neither in the queue nor in the history. Nobody can bring these back.
    #[diesel(sql_type = BigInt)]
    pub lost: i64,
    /// In the queue now.
    #[diesel(sql_type = BigInt)]
    pub waiting_after: i64,
}

/// Jobs that must not be missing at the end: those that waited at the beginning, and all that were seen to run.
#[derive(Debug, Default)]
pub struct Known {
    waiting: HashSet<Uuid>,
    holds: HashSet<Hold>,
}

/// An attempt in the hands of a worker.
#[derive(Debug, PartialEq, Eq, Hash, QueryableByName)]
struct Hold {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    owner: Uuid,
    #[diesel(sql_type = SmallInt)]
    attempt: i16,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// More than a million are not remembered one by one; those that are due first are.
const WAITING: &str = "SELECT id FROM sides.fang_tasks ORDER BY scheduled_at LIMIT 1000000";

const RUNNING: &str =
    "SELECT id, owner, attempt FROM sides.fang_tasks WHERE state = 'in_progress' AND owner IS NOT NULL";

/// An attempt that was given back has left a row, like one that was put off or cannot be read. A worker in another
/// language leaves none: of those the ones count that were seen, since the job's next attempt has their number again. A
/// job of a tick was enqueued, whatever became of it.
const COUNT: &str = "\
WITH held AS (SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::smallint[]) AS held (id, owner, attempt)),
known AS (
    SELECT unnest($2::uuid[]) AS id UNION SELECT id FROM held
    UNION SELECT job_id FROM sides.ticks WHERE fired_at >= $1 AND job_id IS NOT NULL
),
attempts AS (SELECT * FROM sides.job_attempts WHERE ended_at >= $1),
over AS (SELECT * FROM sides.job_history WHERE finished_at >= $1)
SELECT 0::bigint AS waiting_before,
    (SELECT count(*) FROM sides.fang_tasks WHERE created_at >= $1)
        + (SELECT count(*) FROM over WHERE created_at >= $1) AS enqueued,
    (SELECT count(*) FROM over) AS run,
    (SELECT count(*) FROM over WHERE outcome = 'discarded')
        + (SELECT count(*) FROM attempts WHERE outcome = 'failed') AS failed,
    (SELECT count(*) FROM attempts WHERE outcome = 'released')
        + (SELECT count(*) FROM held WHERE NOT EXISTS (SELECT FROM attempts WHERE job_id = held.id
            AND owner = held.owner AND outcome IN ('released', 'snoozed', 'parked'))
        AND (EXISTS (SELECT FROM sides.fang_tasks AS task WHERE task.id = held.id AND CASE task.state
                WHEN 'in_progress' THEN task.owner <> held.owner AND task.attempt <= held.attempt
                ELSE task.attempt < held.attempt END)
            OR EXISTS (SELECT FROM over WHERE over.id = held.id AND over.owner <> held.owner
                AND over.attempt <= held.attempt))) AS given_back,
    (SELECT count(*) FROM attempts WHERE outcome = 'retried') AS retried,
    (SELECT count(*) FROM attempts WHERE outcome = 'lost') AS rescued,
    (SELECT count(*) FROM known WHERE NOT EXISTS (SELECT FROM sides.fang_tasks WHERE fang_tasks.id = known.id)
        AND NOT EXISTS (SELECT FROM sides.job_history WHERE job_history.id = known.id)) AS lost,
    (SELECT count(*) FROM sides.fang_tasks WHERE state <> 'finished') AS waiting_after";

impl Known {
    /// Takes in those that wait.
    ///
    /// # Errors
    /// When the database is unavailable, or not migrated.
    pub async fn see_waiting(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let rows: Vec<Id> = diesel::sql_query(WAITING).load(connection).await?;
        self.waiting.extend(rows.into_iter().map(|row| row.id));
        Ok(())
    }

    /// Takes in those that run.
    ///
    /// # Errors
    /// When the database is unavailable, or not migrated.
    pub async fn see_running(&mut self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        let rows: Vec<Hold> = diesel::sql_query(RUNNING).load(connection).await?;
        self.holds.extend(rows);
        Ok(())
    }

    /// What happened since that moment, to these and to others.
    ///
    /// # Errors
    /// When the database is unavailable, or not migrated.
    pub async fn count(&self, connection: &mut AsyncPgConnection, since: DateTime<Utc>) -> QueryResult<Jobs> {
        let jobs: Jobs = diesel::sql_query(COUNT)
            .bind::<Timestamptz, _>(since)
            .bind::<Array<SqlUuid>, _>(self.waiting.iter().collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(self.holds.iter().map(|hold| hold.id).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(self.holds.iter().map(|hold| hold.owner).collect::<Vec<_>>())
            .bind::<Array<SmallInt>, _>(self.holds.iter().map(|hold| hold.attempt).collect::<Vec<_>>())
            .get_result(connection)
            .await?;
        Ok(Jobs { waiting_before: i64::try_from(self.waiting.len()).unwrap_or(i64::MAX), ..jobs })
    }
}

/// A tick and its job are written in one transaction. Who fires says so in its manifest; builds that do not say it are known
/// by the table that only they use.
const WITHOUT_TICK: &str = "\
SELECT count(*) AS count FROM (
    SELECT id, created_at, enqueued_by FROM sides.fang_tasks
    UNION ALL SELECT id, created_at, enqueued_by FROM sides.job_history WHERE finished_at >= $1
) AS jobs
WHERE created_at >= $1
    AND split_part(enqueued_by, ' ', 1) IN (SELECT process FROM sides.instances
        WHERE manifest ->> 'fires' = 'true' OR manifest -> 'tables' ? 'sides.stored_schedules')
    AND NOT EXISTS (SELECT FROM sides.ticks WHERE job_id = jobs.id AND fired_at >= $1 - interval '1 minute')";

/// How many jobs a process that fires schedules has enqueued since that moment without a tick.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn without_tick(connection: &mut AsyncPgConnection, since: DateTime<Utc>) -> QueryResult<u64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = diesel::sql_query(WITHOUT_TICK).bind::<Timestamptz, _>(since);
    let found: Count = query.get_result(connection).await?;
    Ok(u64::try_from(found.count).unwrap_or_default())
}
