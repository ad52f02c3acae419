//! What people want of a runner.

use uuid::Uuid;

use super::{
    super::session::{Session, SessionError},
    claim::Claimed,
};

const CANCELLED: &str = "\
SELECT id, cancelled FROM sides.fang_tasks
WHERE state = 'in_progress' AND owner = $1 AND cancelled IS NOT NULL";

/// The running jobs of this runner that nobody wants any more, each with the reason.
pub(crate) async fn cancelled(
    session: &mut Session,
    owner: Uuid,
) -> Result<Vec<(Uuid, String)>, SessionError> {
    let rows = session.query(CANCELLED, &[&owner]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What is paused, and whether anything is limited.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) paused_queues: Vec<String>,
    pub(crate) paused_kinds: Vec<String>,
    pub(crate) has_limits: bool,
}

impl Rules {
    pub(crate) fn is_paused(&self, job: &Claimed) -> bool {
        self.paused_queues.contains(&job.queue) || self.paused_kinds.contains(&job.kind)
    }
}

const RULES: &str = "\
SELECT coalesce(array_agg(name) FILTER (WHERE paused AND scope = 'queue'), '{}'),
    coalesce(array_agg(name) FILTER (WHERE paused AND scope = 'kind'), '{}'),
    coalesce(bool_or(sides.is_limited(job_rules)), false)
FROM sides.job_rules";

/// The rules as they are now.
pub(crate) async fn rules(session: &mut Session) -> Result<Rules, SessionError> {
    let rows = session.query(RULES, &[]).await?;
    Ok(rows.first().map_or_else(Rules::default, |row| Rules {
        paused_queues: row.get(0),
        paused_kinds: row.get(1),
        has_limits: row.get(2),
    }))
}

const PARKED: &str = "\
SELECT id, kind, version, metadata::text FROM sides.fang_tasks
WHERE parked_by IS NOT NULL AND isfinite(scheduled_at) AND kind = ANY ($1) AND id > $2 ORDER BY id LIMIT 50";

/// A job that some build could not read.
pub(crate) struct Parked {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) version: i16,
    pub(crate) metadata: String,
}

/// The next parked jobs of these kinds, by id.
pub(crate) async fn parked(
    session: &mut Session,
    kinds: &[&str],
    after: Uuid,
) -> Result<Vec<Parked>, SessionError> {
    let rows = session.query(PARKED, &[&kinds, &after]).await?;
    let read = |row: &tokio_postgres::Row| Parked {
        id: row.get(0),
        kind: row.get(1),
        version: row.get(2),
        metadata: row.get(3),
    };
    Ok(rows.iter().map(read).collect())
}

const UNPARK: &str = "\
UPDATE sides.fang_tasks SET parked_by = NULL, updated_at = now(), scheduled_at = least(scheduled_at, now())
WHERE id = ANY ($1) AND parked_by IS NOT NULL";

/// Lets parked jobs wait for a slot again.
pub(crate) async fn unpark(session: &mut Session, ids: &[Uuid]) -> Result<u64, SessionError> {
    session.execute(UNPARK, &[&ids]).await
}
