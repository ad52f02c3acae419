//! Taking jobs.

use chrono::{DateTime, Utc};
use tokio_postgres::{Row, types::Timestamp};
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

/// What a claim brought.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// In order.
    pub(crate) jobs: Vec<Claimed>,
    /// In flight as well, with the reason why each can only be set aside.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// A row that holds what Postgres can hold and nothing here can.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) id: Uuid,
    pub(crate) lease: i32,
    pub(crate) reason: String,
}

impl Claims {
    fn of(rows: &[Row]) -> Self {
        let mut claims = Self::default();
        for row in rows {
            match read(row) {
                Ok(job) => claims.jobs.push(job),
                Err(reason) => {
                    claims.unreadable.push(Unreadable { id: row.get(0), lease: row.get(1), reason });
                }
            }
        }
        claims.jobs.sort_unstable_by_key(|job| job.position);
        claims
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len() + self.unreadable.len()
    }
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
             SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = $1, updated_at = now(), \
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
) -> Result<Claims, SessionError> {
    let rows = match &start {
        None => session.query(ALL, &[&owner, &kinds, &limit]).await?,
        Some((priority, at, id)) => {
            session.query(ONWARD, &[&owner, &kinds, &limit, priority, at, id]).await?
        }
    };
    Ok(Claims::of(&rows))
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
) -> Result<Claims, SessionError> {
    let rows = session.query(LIMITED, &[&owner, &kinds, &limit]).await?;
    Ok(Claims::of(&rows))
}

/// Takes one job that two runners have died with.
pub(crate) async fn claim_suspect(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
) -> Result<Claims, SessionError> {
    let rows = session.query(SUSPECT, &[&owner, &kinds, &1_i64]).await?;
    Ok(Claims::of(&rows))
}

/// One row is one job's: whatever it holds, the others of its batch run.
fn read(row: &Row) -> Result<Claimed, String> {
    let refuse =
        |error: tokio_postgres::Error| format!("its row cannot be read: {}", crate::error::chain(&error));
    let due = match row.try_get(7) {
        Ok(Timestamp::Value(at)) => at,
        Ok(Timestamp::NegInfinity) => return Err(far("-infinity")),
        Ok(Timestamp::PosInfinity) => return Err(far("infinity")),
        Err(_) => return Err(far("a moment further away than anything here reaches")),
    };
    Ok(Claimed {
        id: row.try_get(0).map_err(refuse)?,
        lease: row.try_get(1).map_err(refuse)?,
        attempt: row.try_get(2).map_err(refuse)?,
        kind: row.try_get(3).map_err(refuse)?,
        version: row.try_get(4).map_err(refuse)?,
        metadata: row.try_get(5).map_err(refuse)?,
        position: (row.try_get(6).map_err(refuse)?, due, row.try_get(0).map_err(refuse)?),
        trace: row.try_get(8).map_err(refuse)?,
        queue: row.try_get(9).map_err(refuse)?,
        failures: row.try_get(10).map_err(refuse)?,
    })
}

fn far(due: &str) -> String {
    format!("it is due at {due}, which is no time; `sides jobs retry` makes it due now")
}
