//! Watches a running statement from a second session: whom it waits for, and who waits for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::sessions;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(25);
/// A build is looked at each time that so many looks were taken.
const EACH_BUILD: u32 = 10;

/// What was seen while a statement ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Who held what it waited for, last.
    pub(crate) blockers: Vec<String>,
    /// Its own longest wait for a lock.
    pub(crate) waited_ms: i64,
    /// The longest wait of another session for it.
    pub(crate) others_waited_ms: i64,
    /// The strongest lock and the relation it was on.
    pub(crate) lock: Option<(String, String)>,
}

impl Seen {
    /// The strongest lock's mode and its relation.
    pub(crate) fn lock(&self) -> (Option<&str>, Option<&str>) {
        self.lock.as_ref().map_or((None, None), |(mode, relation)| (Some(mode), Some(relation)))
    }
}

/// When a transaction that keeps others waiting is cancelled.
#[derive(Debug, Default)]
struct Guard {
    /// How long others may wait, while a transaction is guarded.
    longest: Option<(Duration, Instant)>,
    /// Whether it was cancelled.
    is_cancelled: bool,
}

/// How far an index is that is built beside others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) phase: String,
    pub(crate) done: i64,
    pub(crate) total: i64,
    /// Whose transactions have to end first.
    pub(crate) waits_for: Vec<String>,
}

/// Looks at one session until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    build: Arc<Mutex<Option<Build>>>,
    guard: Arc<tokio::sync::Mutex<Guard>>,
    eyes: JoinHandle<()>,
}

impl Watch {
    /// Watches the session `pid` over a connection of its own, from now on. Without one nothing is seen, and nothing
    /// fails.
    pub(crate) async fn start(url: &DatabaseUrl, pid: i32) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let build = Arc::new(Mutex::new(None));
        let (url, noted) = (url.with_application_name("migrate (watching)"), Arc::clone(&seen));
        // What is run unwatched holds others up, and nobody knows for whom it waits.
        let connected = tokio::time::timeout(CONNECT, database::unlimited_client(&url)).await;
        let builds = Arc::clone(&build);
        let guard = Arc::new(tokio::sync::Mutex::new(Guard::default()));
        let guarded = Arc::clone(&guard);
        let eyes = tokio::spawn(async move {
            let Ok(Ok(client)) = connected else { return };
            let mut looks = 0_u32;
            while let Ok((blockers, own, others)) = look(&client, pid).await {
                if looks.is_multiple_of(EACH_BUILD) {
                    let Ok(found) = look_at_build(&client, pid, &blockers).await else { return };
                    *builds.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
                looks = looks.wrapping_add(1);
                if relieve(&client, pid, others, &guarded).await.is_err() {
                    return;
                }
                {
                    let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.waited_ms = seen.waited_ms.max(own);
                    seen.others_waited_ms = seen.others_waited_ms.max(others);
                    if !blockers.is_empty() {
                        seen.blockers = blockers;
                    }
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self { seen, build, guard, eyes }
    }

    /// From now on the session's statement is cancelled as soon as others have waited so long for it.
    pub(crate) async fn guard(&self, longest: Duration) {
        *self.guard.lock().await = Guard { longest: Some((longest, Instant::now())), is_cancelled: false };
    }

    /// No longer; whether it was cancelled meanwhile. Afterwards no cancellation is on its way.
    pub(crate) async fn unguard(&self) -> bool {
        std::mem::take(&mut *self.guard.lock().await).is_cancelled
    }

    /// How far the index is that the session builds, if it builds one.
    pub(crate) fn build(&self) -> Option<Build> {
        self.build.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether somebody held what it waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.seen.lock().unwrap_or_else(PoisonError::into_inner).blockers.is_empty()
    }

    /// Who held what it waited for, last; the rest of what was seen stays for later.
    pub(crate) fn take_blockers(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).blockers)
    }

    /// What was seen since the last call.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.eyes.abort();
    }
}

async fn look(client: &Client, pid: i32) -> Result<(Vec<String>, i64, i64), tokio_postgres::Error> {
    let blockers = sessions::blockers(client, pid).await?;
    let waited = client
        .query_one(
            "SELECT coalesce(max(ms) FILTER (WHERE pid = $1), 0)::bigint,
                    coalesce(max(ms) FILTER (WHERE pid <> $1 AND $1 = ANY (pg_blocking_pids(pid))), 0)::bigint
             FROM (SELECT l.pid, 1000 * extract(epoch FROM clock_timestamp() - l.waitstart) AS ms
                   FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
                   -- Upkeep waits with patience, and no reader or writer waits behind it.
                   WHERE NOT l.granted AND a.backend_type <> 'autovacuum worker' AND l.mode <> 'ShareUpdateExclusiveLock') AS waits",
            &[&pid],
        )
        .await?;
    Ok((blockers.iter().map(ToString::to_string).collect(), waited.get(0), waited.get(1)))
}

/// Cancels the guarded session when others have waited too long. What they waited before it began was not for it.
async fn relieve(
    client: &Client,
    pid: i32,
    others_waited_ms: i64,
    guard: &tokio::sync::Mutex<Guard>,
) -> Result<(), tokio_postgres::Error> {
    let mut guard = guard.lock().await;
    let Some((longest, since)) = guard.longest else { return Ok(()) };
    let waited = Duration::from_millis(u64::try_from(others_waited_ms).unwrap_or_default());
    if !guard.is_cancelled && waited.min(since.elapsed()) >= longest {
        client.execute("SELECT pg_cancel_backend($1)", &[&pid]).await?;
        guard.is_cancelled = true;
    }
    Ok(())
}

async fn look_at_build(
    client: &Client,
    pid: i32,
    blockers: &[String],
) -> Result<Option<Build>, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "SELECT phase, CASE WHEN phase LIKE '%scanning%' THEN blocks_done ELSE tuples_done END,
                    CASE WHEN phase LIKE '%scanning%' THEN blocks_total ELSE tuples_total END
             FROM pg_stat_progress_create_index WHERE pid = $1",
            &[&pid],
        )
        .await?;
    Ok(row.map(|row| {
        let phase: String = row.get(0);
        let waits = phase.starts_with("waiting");
        let waits_for = if waits { blockers.to_vec() } else { Vec::new() };
        Build { phase, done: row.get(1), total: row.get(2), waits_for }
    }))
}

/// The tables and views that others can see, and so may wait for.
pub(crate) async fn relations(client: &Client) -> Result<Vec<u32>, tokio_postgres::Error> {
    let row = client
        .query_one(
            "SELECT coalesce(array_agg(oid), '{}') FROM pg_class
             WHERE relkind IN ('r', 'p', 'm', 'v') AND relname <> '__diesel_schema_migrations'
               AND relnamespace <> 'pg_catalog'::regnamespace AND relnamespace <> 'sides_migrate'::regnamespace",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// The strongest lock that the session's transaction has on one of these relations by now.
pub(crate) async fn strongest_lock(
    client: &Client,
    relations: &[u32],
) -> Result<Option<(String, String)>, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "SELECT replace(mode, 'Lock', ''), relation::regclass::text FROM pg_locks
             WHERE pid = pg_backend_pid() AND relation = ANY ($1)
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
             ORDER BY array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
                          'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock', 'AccessShareLock'], mode),
                      relation
             LIMIT 1",
            &[&relations],
        )
        .await?;
    // A table that was dropped has only its number left.
    Ok(row.map(|row| (row.get(0), row.get(1))))
}
