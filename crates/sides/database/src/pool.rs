//! A pool of connections that survives a restart, a failover and a change of the schema.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use diesel::connection::InstrumentationEvent;
use diesel_async::{
    AsyncConnection as _, AsyncPgConnection,
    pooled_connection::{PoolableConnection as _, RecyclingMethod},
};

use crate::{ConnectError, DatabaseUrl, Verdict, session::connect_pooled, verdict};

/// A cheap handle; clone it freely.
pub type Pool = managed::Pool<Manager>;
/// A connection that goes back to its pool when dropped, unless it is of no more use.
pub type PooledConnection = managed::Object<Manager>;
/// Why no connection could be had in time.
pub type PoolError = managed::PoolError<ManagerError>;

/// How long getting a connection may take.
const WAIT: Duration = Duration::from_secs(5);
/// A connection that does not answer `SELECT 1` for so long is not asked again.
const CHECK: Duration = Duration::from_secs(2);

/// Opens the connections of a pool, and decides which are used again.
pub struct Manager {
    url: DatabaseUrl,
    /// Connections of an earlier generation are not used again.
    generation: Arc<AtomicU64>,
    /// How long a reader waits for its answers.
    patience: Option<Duration>,
}

/// Why a connection could not be opened, or not be used again.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    /// None could be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It does not answer any more.
    #[error("the connection stopped answering")]
    Silent(#[from] diesel::result::Error),
}

/// A connection of a pool: use it as the [`AsyncPgConnection`] that it is.
pub struct Pooled {
    connection: AsyncPgConnection,
    generation: u64,
    condemned: Arc<AtomicBool>,
}

impl Deref for Pooled {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

impl Manager {
    /// From now on no connection that was opened before is used again.
    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// How long [`crate::read()`] waits for answers before it gives the connection up.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.patience
    }
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = ManagerError;

    async fn create(&self) -> Result<Pooled, ManagerError> {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut connection = connect_pooled(&self.url).await?;
        let condemned = Arc::new(AtomicBool::new(false));
        let (marks, counter) = (condemned.clone(), self.generation.clone());
        // Anyone who uses it sees its errors; so does the pool.
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            let InstrumentationEvent::FinishQuery { error: Some(error), .. } = event else { return };
            let verdict = verdict(error);
            if verdict >= Verdict::Replace {
                marks.store(true, Ordering::Relaxed);
            }
            if verdict == Verdict::ReplaceAll {
                // Once for all connections that meet the same trouble, not once for each.
                let next = generation + 1;
                counter.fetch_max(next, Ordering::Relaxed);
            }
        });
        Ok(Pooled { connection, generation, condemned })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<ManagerError> {
        let is_old = pooled.generation < self.generation.load(Ordering::Relaxed);
        if is_old || pooled.condemned.load(Ordering::Relaxed) || pooled.connection.is_broken() {
            return Err(RecycleError::message("it is no longer usable"));
        }
        let asked = pooled.connection.ping(&RecyclingMethod::Verified);
        asked.await.map_err(|error| RecycleError::Backend(ManagerError::Silent(error)))
    }
}

/// How long statements may take, so that one that waits for a lock does not hold its reader for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Postgres' `statement_timeout`.
    pub statement: Option<Duration>,
    /// Postgres' `lock_timeout`.
    pub lock: Option<Duration>,
}

impl Limits {
    /// None at all.
    pub const NONE: Self = Self { statement: None, lock: None };

    /// The same address, with sessions that have these limits from their start on.
    #[must_use]
    pub fn on(self, url: &DatabaseUrl) -> DatabaseUrl {
        let mut url = url.clone();
        for (name, limit) in [("statement_timeout", self.statement), ("lock_timeout", self.lock)] {
            if let Some(limit) = limit {
                url = url.with_setting(name, &limit.as_millis().to_string());
            }
        }
        url
    }
}

/// A pool of at most `size` connections, opened when first needed and checked before each use.
///
/// Getting one waits at most 5 seconds, whether for a free one or for the server. One that met an error which says that
/// it is of no more use (see [`Verdict`]) is closed when it comes back.
#[must_use]
pub fn pool(url: &DatabaseUrl, size: usize) -> Pool {
    build(url, size, None)
}

/// A pool whose statements have limits: in the server where `on_server` says that sessions take settings, and in any
/// case for those that [`crate::read()`] waits for.
#[must_use]
pub fn limited_pool(url: &DatabaseUrl, size: usize, limits: Limits, on_server: bool) -> Pool {
    let url = if on_server { limits.on(url) } else { url.clone() };
    // The server's own limit comes first, where there is one: it says what was waited for.
    build(&url, size, limits.statement.map(|limit| limit + Duration::from_secs(1)))
}

/// Closes a connection instead of giving it back: a statement that nobody waits for any more may still run in it.
pub fn discard(connection: PooledConnection) {
    drop(managed::Object::take(connection));
}

fn build(url: &DatabaseUrl, size: usize, patience: Option<Duration>) -> Pool {
    let manager = Manager { url: url.clone(), generation: Arc::default(), patience };
    managed::Pool::builder(manager)
        .max_size(size)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .recycle_timeout(Some(CHECK))
        .build()
        .expect("a pool with timeouts only needs a runtime, and has one")
}
