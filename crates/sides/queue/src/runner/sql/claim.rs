//! Taking jobs.

use chrono::{DateTime, Utc};
use tokio_postgres::{Row, types::Timestamp};
use uuid::Uuid;

use super::super::{
    position::{Part, Position},
    session::{Session, SessionError},
};

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

/// The rows are found in an array first: as a join, the limit inside would be planned away once the table has
/// statistics. They are locked by then, so their places in the table hold still, and save looking up each id.
macro_rules! claim {
    ($owner:literal, $found:expr) => {
        concat!(
            "UPDATE sides.fang_tasks \
             SET state = 'in_progress', attempt = least(attempt, 32766) + 1, lease = lease % 2147483647 + 1, owner = ", $owner, ", updated_at = now(), \
                 unique_key = CASE WHEN unique_waiting THEN NULL ELSE unique_key END \
             WHERE ctid = ANY (ARRAY(",
            $found,
            ")) \
             RETURNING id, lease, attempt, kind, version, metadata::text, priority, scheduled_at, trace, task_type, \
                 retries"
        )
    };
}

/// At most `$2` jobs of the kinds `$1` that may start, in order.
macro_rules! ready {
    ($columns:literal, $rule:literal, $where:literal, $order:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM sides.fang_tasks \
             WHERE state IN ('new', 'retried') AND parked_by IS NULL \
                 AND kind = ANY ($1) AND task_type <> ALL (ARRAY( \
                     SELECT name FROM sides.job_rules WHERE scope = 'queue' AND ",
            $rule,
            ")) \
                 AND kind <> ALL (ARRAY( \
                     SELECT name FROM sides.job_rules WHERE scope = 'kind' AND ",
            $rule,
            ")) AND ",
            $where,
            " ORDER BY ",
            $order,
            " LIMIT $2",
            $lock
        )
    };
}

/// Part after part, until there are enough. Within one priority the walk begins and ends at a moment; where it leads
/// through several, it passes over what is not due yet.
macro_rules! in_parts {
    ($columns:literal, $lock:literal) => {
        concat!(
            "SELECT found.* FROM unnest($3::int[], $4::int[], $5::timestamptz[], $6::uuid[], $7::timestamptz[]) \
                 AS part (lowest, highest, due, id, until), LATERAL ( \
                 SELECT * FROM (",
            ready!(
                $columns,
                "(paused OR sides.is_limited(job_rules))",
                "crashes < 2 AND part.lowest = part.highest AND priority = part.lowest \
                 AND (scheduled_at, fang_tasks.id) >= (part.due, part.id) AND scheduled_at <= least(part.until, now())",
                "priority, scheduled_at, id",
                $lock
            ),
            ") AS onward UNION ALL SELECT * FROM (",
            ready!(
                $columns,
                "(paused OR sides.is_limited(job_rules))",
                "crashes < 2 AND part.lowest < part.highest AND priority >= part.lowest \
                 AND priority <= part.highest AND scheduled_at <= now()",
                "priority, scheduled_at, id",
                $lock
            ),
            ") AS apart) AS found LIMIT $2"
        )
    };
}

/// From the beginning of the queue, as far as it takes.
pub const ALL: &str = claim!(
    "$3",
    ready!(
        "ctid",
        "(paused OR sides.is_limited(job_rules))",
        "crashes < 2 AND scheduled_at <= now()",
        "priority, scheduled_at, id",
        " FOR UPDATE SKIP LOCKED"
    )
);
/// Only where there can be something new.
pub const PARTS: &str = claim!("$8", in_parts!("ctid", " FOR UPDATE SKIP LOCKED"));
/// Whatever limits and deaths say: for who runs one job at a time.
pub(crate) const UNLIMITED: &str = claim!(
    "$3",
    ready!(
        "ctid",
        "paused",
        "scheduled_at <= now()",
        "priority, scheduled_at, id",
        " FOR UPDATE SKIP LOCKED"
    )
);
const SUSPECT: &str = claim!(
    "$3",
    ready!(
        "ctid",
        "paused",
        "crashes >= 2 AND scheduled_at <= now()",
        "scheduled_at",
        " FOR UPDATE SKIP LOCKED"
    )
);
/// The first jobs that a claim of everything would bring.
const FIRST: &str = in_parts!("priority, scheduled_at", "");

/// The parts' bounds, each a column.
struct Bounds {
    lowest: Vec<i32>,
    highest: Vec<i32>,
    due: Vec<Timestamp<DateTime<Utc>>>,
    id: Vec<Uuid>,
    until: Vec<Timestamp<DateTime<Utc>>>,
}

impl Bounds {
    fn of(parts: &[Part]) -> Self {
        let mut bounds = Self {
            lowest: Vec::new(),
            highest: Vec::new(),
            due: Vec::new(),
            id: Vec::new(),
            until: Vec::new(),
        };
        for part in parts {
            let (lowest, highest, due, id, until) = match *part {
                Part::Priorities(lowest, highest) => (lowest, highest, None, Uuid::nil(), None),
                Part::Onward(priority, due, id) => (priority.into(), priority.into(), Some(due), id, None),
                Part::At(priority, at) => {
                    (priority.into(), priority.into(), Some(at), Uuid::nil(), Some(moment(at)))
                }
            };
            bounds.lowest.push(lowest);
            bounds.highest.push(highest);
            bounds.due.push(due.map_or(Timestamp::NegInfinity, moment));
            bounds.id.push(id);
            bounds.until.push(until.unwrap_or(Timestamp::PosInfinity));
        }
        bounds
    }
}

/// What is due at -infinity stands at the beginning of time.
fn moment(at: DateTime<Utc>) -> Timestamp<DateTime<Utc>> {
    if at == DateTime::<Utc>::MIN_UTC { Timestamp::NegInfinity } else { Timestamp::Value(at) }
}

/// Takes up to `limit` due jobs of known kinds from these parts of the order, in one statement. In order.
pub(crate) async fn claim(
    session: &mut Session,
    owner: Uuid,
    kinds: &[&str],
    limit: i64,
    parts: &[Part],
) -> Result<Claims, SessionError> {
    let Bounds { lowest, highest, due, id, until } = Bounds::of(parts);
    let rows = session.query(PARTS, &[&kinds, &limit, &lowest, &highest, &due, &id, &until, &owner]).await?;
    Ok(Claims::of(&rows))
}

/// The priorities and times of the first `limit` jobs of these parts that a claim could bring, in order.
pub(crate) async fn first(
    session: &mut Session,
    kinds: &[&str],
    limit: i64,
    parts: &[Part],
) -> Result<Vec<(i16, DateTime<Utc>)>, SessionError> {
    let Bounds { lowest, highest, due, id, until } = Bounds::of(parts);
    let rows = session.query(FIRST, &[&kinds, &limit, &lowest, &highest, &due, &id, &until]).await?;
    let due = |row: &Row| match row.try_get(1) {
        Ok(Timestamp::Value(at)) => at,
        // Whatever it is, it is due, and so before all that anything here reaches.
        _ => DateTime::<Utc>::MIN_UTC,
    };
    Ok(rows.iter().map(|row| (row.get(0), due(row))).collect())
}

const PRIORITIES: &str = "\
SELECT found.priority FROM unnest($1::int[], $2::int[]) AS part (lowest, highest), LATERAL (
    SELECT priority FROM sides.fang_tasks
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2
        AND priority >= part.lowest AND priority <= part.highest
    ORDER BY priority, scheduled_at, id LIMIT 1
) AS found";

/// The first priority between each two of the known ones that has jobs, due or not.
pub(crate) async fn priorities(session: &mut Session, known: &[Part]) -> Result<Vec<i16>, SessionError> {
    let between = known.iter().filter_map(|part| match part {
        Part::Priorities(lowest, highest) => Some((*lowest, *highest)),
        _ => None,
    });
    let (lowest, highest): (Vec<i32>, Vec<i32>) = between.unzip();
    let rows = session.query(PRIORITIES, &[&lowest, &highest]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
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
    let rows = session.query(SUSPECT, &[&kinds, &1_i64, &owner]).await?;
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
