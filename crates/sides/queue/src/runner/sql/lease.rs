//! A runner's right to its jobs, and what becomes of jobs whose runner has lost it.

use std::{sync::LazyLock, time::Duration};

use schema::locks::{ALL_HELD, RUNNER};
use uuid::Uuid;

use super::super::{
    RunnerConfig,
    session::{Session, SessionError},
};
use crate::retention::TABLES;

/// Says as well whether the server itself sees the lock of the runner's session: a lock that is not there on this server,
/// for whatever reason, will not be missed.
static RENEW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH held AS MATERIALIZED (
            SELECT FROM ({ALL_HELD}) AS held (key) WHERE key = {RUNNER}
        ), seen AS (
            INSERT INTO sides.runner_sessions (runner, server_started_at, seen_at)
            SELECT $1, pg_postmaster_start_time(), now() WHERE EXISTS (SELECT FROM held)
            ON CONFLICT (runner) DO UPDATE
                SET server_started_at = excluded.server_started_at, seen_at = excluded.seen_at
        ), missed AS (
            UPDATE sides.runner_sessions SET server_started_at = NULL, seen_at = now()
            WHERE runner = $1 AND server_started_at IS NOT NULL AND NOT EXISTS (SELECT FROM held)
        )
        INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
        ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
        RETURNING presumed_dead"
    )
});

/// Announces a runner, or renews its lease. Returns how often it was taken for dead so far.
pub(crate) async fn renew(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
    config: &RunnerConfig,
) -> Result<i32, SessionError> {
    let concurrency = i32::try_from(config.concurrency).unwrap_or(i32::MAX);
    let seconds = config.lease.as_secs_f64();
    let rows = session
        .query(&RENEW, &[&owner, &config.instance, &config.release, &kinds, &concurrency, &seconds])
        .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

const DEREGISTER: &str = "\
WITH session AS (DELETE FROM sides.runner_sessions WHERE runner = $1) DELETE FROM sides.runners WHERE id = $1";

/// Takes a runner that stops off the list.
pub(crate) async fn deregister(session: &mut Session, owner: Uuid) -> Result<(), SessionError> {
    session.execute(DEREGISTER, &[&owner]).await.map(drop)
}

/// Without decoding anything, so that every runner can do it for every kind. The third death parks the job as
/// failed: whatever it does, it does it to its runner.
pub(crate) const RESCUE: &str = "\
WITH lost AS MATERIALIZED (
    SELECT id, owner, updated_at FROM sides.fang_tasks
    WHERE state = 'in_progress' AND owner <> ALL (ARRAY(SELECT id FROM sides.runners WHERE lease_until > now()))
    FOR UPDATE SKIP LOCKED
), rescued AS (
    UPDATE sides.fang_tasks
    SET owner = NULL, updated_at = now(), crashes = crashes + 1, retries = retries + 1,
        state = CASE WHEN crashes >= 2 THEN 'failed' ELSE 'retried' END::sides.fang_task_state,
        error_message = CASE WHEN crashes >= 2 THEN 'three workers died while running this job'
            ELSE 'the worker that ran this job died or lost its lease' END
    WHERE id = ANY (ARRAY(SELECT id FROM lost))
    RETURNING id, attempt, state, error_message
), noted AS (
    INSERT INTO sides.job_attempts (job_id, attempt, outcome, error, release, owner, claimed_at)
    SELECT rescued.id, attempt, 'lost', error_message, runners.release, lost.owner, lost.updated_at
    FROM rescued JOIN lost ON lost.id = rescued.id LEFT JOIN sides.runners ON runners.id = lost.owner
)
SELECT id, state = 'failed' FROM rescued";

const OVER: &str = "SELECT id, lease_until::text FROM sides.runners WHERE lease_until <= now()";

/// The leases that have run out and whose runners were not forgotten yet.
pub(crate) async fn over(session: &mut Session) -> Result<Vec<(Uuid, String)>, SessionError> {
    let rows = session.query(OVER, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A job whose runner is no longer heard of.
pub(crate) struct Rescued {
    pub(crate) id: Uuid,
    /// It was the third time.
    pub(crate) given_up: bool,
}

/// Frees the jobs of runners that are no longer heard of.
pub(crate) async fn rescue(session: &mut Session) -> Result<Vec<Rescued>, SessionError> {
    let rows = session.query(RESCUE, &[]).await?;
    if !rows.is_empty() {
        // Who has nothing to do need not wait for its next poll.
        session.query("SELECT pg_notify('sides_jobs', '')", &[]).await?;
    }
    Ok(rows.iter().map(|row| Rescued { id: row.get(0), given_up: row.get(1) }).collect())
}

const FORGET: &str = "\
WITH sessions AS (DELETE FROM sides.runner_sessions WHERE seen_at < now() - interval '1 hour')
DELETE FROM sides.runners WHERE lease_until < now() - interval '1 hour'";

/// Takes runners off the list that died long ago.
pub(crate) async fn forget(session: &mut Session) -> Result<(), SessionError> {
    session.execute(FORGET, &[]).await.map(drop)
}

/// Makes room for the history of the coming days, and drops the days that were over longer ago than `keep`. Returns
/// how many partitions were dropped.
pub(crate) async fn keep_history(session: &mut Session, keep: Option<Duration>) -> Result<i32, SessionError> {
    let seconds = keep.map(|keep| keep.as_secs_f64());
    let mut dropped = 0;
    for table in TABLES {
        let rows = session
            .query("SELECT sides.keep_history(make_interval(secs => $1), $2)", &[&seconds, &table])
            .await?;
        dropped += rows.first().map_or(0, |row| row.get::<_, i32>(0));
    }
    if seconds.is_some() {
        session.execute(FORGET_NOTES, &[&seconds]).await?;
    }
    Ok(dropped)
}

/// What jobs noted lives as long as they are remembered.
pub(crate) const FORGET_NOTES: &str = "\
DELETE FROM sides.job_notes WHERE updated_at < now() - make_interval(secs => $1)
    AND NOT EXISTS (SELECT FROM sides.fang_tasks WHERE id = job_id)";
