//! Jobs that are over, into the history.

use uuid::Uuid;

use super::super::session::{Session, SessionError};

/// A job that is over, for good or for ill.
#[derive(Debug, Clone)]
pub(crate) struct Over {
    pub(crate) id: Uuid,
    pub(crate) lease: i32,
    pub(crate) duration_us: i64,
    /// What ended it, and why, unless it simply succeeded.
    pub(crate) otherwise: Option<(&'static str, String)>,
}

/// Of a row only what the history keeps is carried over: its arguments may be long.
macro_rules! over {
    ($given:literal, $names:literal, $outcome:literal, $error:literal) => {
        concat!(
            "WITH over AS ( \
                 DELETE FROM sides.fang_tasks AS task \
                 USING unnest(",
            $given,
            ") AS given (",
            $names,
            ") \
                 WHERE task.id = ANY ($2) AND task.id = given.id AND task.lease = given.lease AND task.owner = $1 \
                     AND task.state = 'in_progress' \
                 RETURNING task.id, kind, task_type, ",
            $outcome,
            " AS outcome, attempt, ",
            $error,
            " AS error, enqueued_by, owner, created_at, scheduled_at, updated_at, duration_us, unique_key, tags, trace \
             ) \
             INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, error, enqueued_by, owner, created_at, \
                 scheduled_at, claimed_at, duration_us, release, unique_key, tags, trace) \
             SELECT id, kind, task_type, outcome, attempt, error, enqueued_by, owner, created_at, \
                 scheduled_at, updated_at, duration_us, $5, unique_key, tags, trace \
             FROM over"
        )
    };
}

/// What most jobs end with, so it sends nothing that only the others need.
pub const FINISHED: &str =
    over!("$2::uuid[], $3::int[], $4::bigint[]", "id, lease, duration_us", "'finished'", "error_message");

pub(crate) const OTHERWISE: &str = over!(
    "$2::uuid[], $3::int[], $4::bigint[], $6::text[], $7::text[]",
    "id, lease, duration_us, outcome, error",
    "given.outcome",
    "given.error"
);

/// Moves jobs that succeeded to the history, in one statement. Returns how many were still ours.
pub(crate) async fn finished(
    session: &mut Session,
    owner: Uuid,
    release: &str,
    jobs: &[Over],
) -> Result<u64, SessionError> {
    let (ids, leases, durations) = columns(jobs);
    session.execute(FINISHED, &[&owner, &ids, &leases, &durations, &release]).await
}

/// Moves jobs that ended otherwise to the history. Returns how many were still ours.
pub(crate) async fn otherwise(
    session: &mut Session,
    owner: Uuid,
    release: &str,
    jobs: &[Over],
) -> Result<u64, SessionError> {
    let (ids, leases, durations) = columns(jobs);
    let said = || jobs.iter().filter_map(|job| job.otherwise.as_ref());
    let outcomes: Vec<&str> = said().map(|(outcome, _)| *outcome).collect();
    let errors: Vec<&str> = said().map(|(_, error)| error.as_str()).collect();
    session.execute(OTHERWISE, &[&owner, &ids, &leases, &durations, &release, &outcomes, &errors]).await
}

const MISSING: &str = "\
SELECT unnest($2::uuid[]) EXCEPT SELECT id FROM sides.job_history WHERE id = ANY ($2) AND owner = $1";

/// Which of these jobs did not reach the history from this runner: those whose lease was lost.
pub(crate) async fn missing(
    session: &mut Session,
    owner: Uuid,
    jobs: &[Over],
) -> Result<Vec<Uuid>, SessionError> {
    let (ids, ..) = columns(jobs);
    let rows = session.query(MISSING, &[&owner, &ids]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn columns(jobs: &[Over]) -> (Vec<Uuid>, Vec<i32>, Vec<i64>) {
    let mut columns =
        (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    for job in jobs {
        columns.0.push(job.id);
        columns.1.push(job.lease);
        columns.2.push(job.duration_us);
    }
    columns
}
