//! Jobs that go back into the queue, or stay there as failed or parked.

use uuid::Uuid;

use super::super::session::{Session, SessionError};

/// A job that is not over.
#[derive(Debug, Clone)]
pub(crate) struct Return {
    pub(crate) id: Uuid,
    pub(crate) lease: i32,
    pub(crate) outcome: Returned,
    pub(crate) wait_seconds: f64,
    pub(crate) error: Option<String>,
    pub(crate) duration_us: Option<i64>,
}

/// Why a job comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returned {
    /// It never started, or was stopped with its runner: as if it had not been claimed.
    Released,
    /// The handler asked for another time.
    Snoozed,
    /// The attempt failed, and there will be another.
    Retried,
    /// The last attempt failed: it stays, for people.
    Failed,
    /// Its arguments cannot be read by this build.
    Parked,
}

impl Returned {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Snoozed => "snoozed",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Parked => "parked",
        }
    }
}

pub(crate) const GIVE_BACK: &str = "\
WITH back AS (
    UPDATE sides.fang_tasks AS task
    SET state = CASE WHEN given.outcome IN ('retried', 'failed') THEN given.outcome
            WHEN task.retries > 0 THEN 'retried' ELSE 'new' END::sides.fang_task_state,
        owner = NULL, updated_at = now(),
        attempt = task.attempt - CASE WHEN given.outcome IN ('retried', 'failed') THEN 0 ELSE 1 END,
        retries = least(task.retries, 2147483646) + CASE WHEN given.outcome IN ('retried', 'failed') THEN 1 ELSE 0 END,
        scheduled_at = CASE WHEN given.wait > 0 THEN now() + make_interval(secs => given.wait)
            ELSE task.scheduled_at END,
        error_message = coalesce(given.error, task.error_message),
        parked_by = CASE WHEN given.outcome = 'parked' THEN $4 END
    FROM unnest($2::uuid[], $3::int[], $5::text[], $6::float8[], $7::text[], $8::bigint[])
        AS given (id, lease, outcome, wait, error, duration_us)
    WHERE task.id = ANY ($2) AND task.id = given.id AND task.lease = given.lease AND task.owner = $1
        AND task.state = 'in_progress'
    RETURNING task.id, given.outcome, given.error, given.duration_us,
        task.attempt + CASE WHEN given.outcome IN ('retried', 'failed') THEN 0 ELSE 1 END AS attempt
), noted AS (
    INSERT INTO sides.job_attempts (job_id, attempt, outcome, error, release, owner, duration_us)
    SELECT id, attempt, outcome, error, $4, $1, duration_us FROM back
)
SELECT id FROM back";

/// Puts jobs back, each as its outcome says. Returns those that were still ours.
pub(crate) async fn give_back(
    session: &mut Session,
    owner: Uuid,
    release: &str,
    jobs: &[Return],
) -> Result<Vec<Uuid>, SessionError> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
    let leases: Vec<i32> = jobs.iter().map(|job| job.lease).collect();
    let outcomes: Vec<&str> = jobs.iter().map(|job| job.outcome.name()).collect();
    let waits: Vec<f64> = jobs.iter().map(|job| job.wait_seconds).collect();
    let errors: Vec<Option<&str>> = jobs.iter().map(|job| job.error.as_deref()).collect();
    let durations: Vec<Option<i64>> = jobs.iter().map(|job| job.duration_us).collect();
    let rows = session
        .query(GIVE_BACK, &[&owner, &ids, &leases, &release, &outcomes, &waits, &errors, &durations])
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

const RELEASE_UNKNOWN: &str = "\
WITH back AS (
    UPDATE sides.fang_tasks AS task
    SET state = CASE WHEN retries > 0 THEN 'retried' ELSE 'new' END::sides.fang_task_state,
        owner = NULL, updated_at = now(), attempt = attempt - 1
    WHERE state = 'in_progress' AND owner = $1
        AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) AS in_flight (id) WHERE in_flight.id = task.id)
    RETURNING id, attempt + 1 AS attempt
), noted AS (
    INSERT INTO sides.job_attempts (job_id, attempt, outcome, owner) SELECT id, attempt, 'released', $1 FROM back
)
SELECT id FROM back";

/// Releases what this runner holds without knowing: claims whose answer never arrived. How many those were.
pub(crate) async fn release_unknown(
    session: &mut Session,
    owner: Uuid,
    in_flight: &[Uuid],
) -> Result<usize, SessionError> {
    Ok(session.query(RELEASE_UNKNOWN, &[&owner, &in_flight]).await?.len())
}
