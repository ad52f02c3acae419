//! Taking jobs.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::session::{Session, SessionError};

/// A job that this runner holds.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: Uuid,
    /// The fencing token, with the owner.
    pub(crate) lease: i32,
    pub(crate) attempt: i16,
    pub(crate) kind: String,
    pub(crate) version: i16,
    /// As text: rows that nothing can parse must cost one job, not the batch.
    pub(crate) metadata: String,
    pub(crate) position: Position,
    pub(crate) trace: Option<String>,
    pub(crate) queue: String,
    /// Attempts that have failed.
    pub(crate) failures: i32,
}

/// Where a job stands in the order of claims: its priority, when it is due, and its id, since jobs of one statement are
/// due at one moment.
pub(crate) type Position = (i16, DateTime<Utc>, Uuid);

/// The rows are found in an array first: as a join, the limit inside would be planned away once the table has
/// statistics. They are locked by then, so their places in the table hold still, and save looking up each id. The
/// comparison of rows lets the walk begin in the middle of the index.
macro_rules! claim {
    ($rule:literal, $where:literal, $order:literal) => {
        concat!(
            "UPDATE sides.fang_tasks \
             SET state = 'in_progress', attempt = attempt + 1, lease = lease + 1, owner = $1, updated_at = now(), \
                 unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END \
             WHERE ctid = ANY (ARRAY( \
                 SELECT ctid FROM sides.fang_tasks \
                 WHERE state IN ('new', 'retried') AND parked_by IS NULL AND scheduled_at <= now() \
                     AND kind = ANY ($2) AND task_type <> ALL (ARRAY( \
                         SELECT name FROM sides.job_rules WHERE scope = 'queue' AND ", $rule, ")) \
                     AND kind <> ALL (ARRAY( \
                         SELECT name FROM sides.job_rules WHERE scope = 'kind' AND ", $rule, ")) AND ",
            $where,
            " ORDER BY ",
            $order,
            " LIMIT $3 FOR UPDATE SKIP LOCKED)) \
             RETURNING id, lease, attempt, kind, version, metadata::text, priority, scheduled_at, trace, task_type, \
                 retries"
        )
    };
}

/// From the beginning of the queue.
pub const ALL: &str =
    claim!("(paused OR sides.is_limited(job_rules))", "crashes < 2", "priority, scheduled_at, id");
/// From a position on.
pub const ONWARD: &str = claim!(
    "(paused OR sides.is_limited(job_rules))",
    "crashes < 2 AND (priority, scheduled_at, id) > ($4, $5, $6)",
    "priority, scheduled_at, id"
);
/// Whatever limits and deaths say: for who runs one job at a time.
pub(crate) const UNLIMITED: &str = claim!("paused", "true", "priority, scheduled_at, id");
const SUSPECT: &str = claim!("paused", "crashes >= 2", "scheduled_at");

/// Takes up to `limit` due jobs of known kinds, in one statement; behind `start` if there is one. In order.
pub(crate) async fn claim(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
    limit: i64,
    start: Option<Position>,
) -> Result<Vec<Claimed>, SessionError> {
    let rows = match &start {
        None => session.query(ALL, &[&owner, &kinds, &limit]).await?,
        Some((priority, at, id)) => {
            session.query(ONWARD, &[&owner, &kinds, &limit, priority, at, id]).await?
        }
    };
    let mut jobs: Vec<Claimed> = rows.iter().map(read).collect();
    jobs.sort_unstable_by_key(|job| job.position);
    Ok(jobs)
}

const LIMITED: &str = "\
SELECT id, lease, attempt, kind, version, metadata::text, priority, scheduled_at, trace, task_type, retries
FROM sides.claim_limited($1, $2, $3)";

/// Takes up to `limit` due jobs of queues and kinds that have limits, as far as those allow.
pub(crate) async fn claim_limited(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
    limit: i32,
) -> Result<Vec<Claimed>, SessionError> {
    let rows = session.query(LIMITED, &[&owner, &kinds, &limit]).await?;
    let mut jobs: Vec<Claimed> = rows.iter().map(read).collect();
    jobs.sort_unstable_by_key(|job| job.position);
    Ok(jobs)
}

/// Takes one job that two runners have died with.
pub(crate) async fn claim_suspect(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
) -> Result<Option<Claimed>, SessionError> {
    let rows = session.query(SUSPECT, &[&owner, &kinds, &1_i64]).await?;
    Ok(rows.first().map(read))
}

fn read(row: &Row) -> Claimed {
    Claimed {
        id: row.get(0),
        lease: row.get(1),
        attempt: row.get(2),
        kind: row.get(3),
        version: row.get(4),
        metadata: row.get(5),
        position: (row.get(6), row.get(7), row.get(0)),
        trace: row.get(8),
        queue: row.get(9),
        failures: row.get(10),
    }
}
