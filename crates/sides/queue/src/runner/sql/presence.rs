//! Runners whose session has ended.

use std::sync::LazyLock;

use schema::locks::ALL_HELD;
use uuid::Uuid;

use super::super::{
    session::{Session, SessionError},
    watch::Seen,
};

/// Runners with a lease whose lock this server saw at their last renewal, and those that could just not show it.
static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT id, lease_until::text, sides.runner_lock(id) = ANY (ARRAY({ALL_HELD})), server_started_at IS NULL
        FROM sides.runners JOIN sides.runner_sessions ON runner = id
        WHERE lease_until > now() AND (server_started_at = pg_postmaster_start_time()
            OR server_started_at IS NULL AND seen_at > now() - interval '10 seconds')"
    )
});

/// The runners that showed a lock at some time, and whether it is missing.
pub(crate) async fn look(session: &mut Session) -> Result<Vec<Seen>, SessionError> {
    let rows = session.query(&LOOK, &[]).await?;
    let seen = |row: &tokio_postgres::Row| Seen {
        runner: row.get(0),
        lease: row.get(1),
        is_held: row.get(2),
        is_excused: row.get(3),
    };
    Ok(rows.iter().map(seen).collect())
}

/// A lease that was renewed meanwhile is another one: its runner lives. Who is just renewing it, or being given up by
/// somebody else, is left alone.
static EXPIRE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH dead AS MATERIALIZED (
            SELECT runners.id
            FROM sides.runners JOIN unnest($1::uuid[], $2::text[]) AS given (id, lease_until) ON runners.id = given.id
            WHERE runners.lease_until = given.lease_until::timestamptz AND runners.lease_until > now()
                AND sides.runner_lock(runners.id) <> ALL (ARRAY({ALL_HELD}))
            FOR UPDATE OF runners SKIP LOCKED
        )
        UPDATE sides.runners
        SET lease_until = now(), presumed_dead = least(presumed_dead, 2147483646) + 1
        WHERE id = ANY (ARRAY(SELECT id FROM dead))
        RETURNING id, release"
    )
});

/// Ends the leases of runners that were seen to be gone, unless they have come back. Returns those whose lease ended now,
/// each with its release.
pub(crate) async fn expire(
    session: &mut Session,
    gone: &[Seen],
) -> Result<Vec<(Uuid, String)>, SessionError> {
    let runners: Vec<Uuid> = gone.iter().map(|seen| seen.runner).collect();
    let leases: Vec<&str> = gone.iter().map(|seen| seen.lease.as_str()).collect();
    let rows = session.query(&EXPIRE, &[&runners, &leases]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
