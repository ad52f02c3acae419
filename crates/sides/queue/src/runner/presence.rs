//! The lock by which others see that this runner lives.

use std::{
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use database::{Connection, DatabaseUrl, Pooler};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use schema::locks::RUNNER;
use tokio::sync::Notify;
use uuid::Uuid;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How long a server has to answer, and a pooler to show itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Held in the session that listens: idle, so that the server notices at once when it ends.
pub(crate) struct Presence {
    owner: Uuid,
    url: DatabaseUrl,
    lease: Duration,
    /// Whether sessions are our own. A pooler that gives each transaction another one would keep the lock of a dead runner,
    /// or let that of a living one go.
    is_direct: OnceLock<bool>,
    is_held: AtomicBool,
    /// The lock was taken, or lost with its session: the lease's next renewal says so, and is due at once.
    pub(crate) changed: Notify,
}

static TAKE: LazyLock<String> =
    LazyLock::new(|| format!("SELECT pg_try_advisory_lock_shared({RUNNER}) AS is_held"));

/// A server that asks its clients for signs of life more often than leases are renewed would end the session of one that is
/// cut off before its lease has run out: in this session it waits longer.
const WAIT_LONGER: &str = "\
SELECT set_config(name, CASE name WHEN 'tcp_user_timeout' THEN $1 * 1000 ELSE $1 END::text, false)
FROM pg_settings
WHERE CASE name WHEN 'tcp_keepalives_idle' THEN setting::bigint BETWEEN 1 AND $1
    WHEN 'tcp_user_timeout' THEN setting::bigint BETWEEN 1 AND $1 * 1000 END";

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    is_held: bool,
}

impl Presence {
    pub(crate) fn new(owner: Uuid, url: DatabaseUrl, lease: Duration) -> Self {
        let (is_direct, is_held, changed) = (OnceLock::new(), AtomicBool::new(false), Notify::new());
        Self { owner, url, lease, is_direct, is_held, changed }
    }

    /// Takes the lock for as long as the session lives, where sessions are our own.
    pub(crate) async fn take(&self, connection: &mut Connection) -> Result<(), Fault> {
        tokio::time::timeout(PATIENCE, async {
            if !self.is_direct().await? {
                return Ok(());
            }
            // A second more than the lease: whole seconds are all that can be set.
            let seconds = i64::try_from(self.lease.as_secs() + 1)?;
            diesel::sql_query(WAIT_LONGER).bind::<BigInt, _>(seconds).execute(connection).await?;
            let take = diesel::sql_query(TAKE.as_str()).bind::<SqlUuid, _>(self.owner);
            let taken: Taken = take.get_result(connection).await?;
            if taken.is_held {
                self.is_held.store(true, Ordering::Release);
                self.changed.notify_one();
                Ok(())
            } else {
                Err("somebody else holds the lock of this runner alone".into())
            }
        })
        .await?
    }

    async fn is_direct(&self) -> Result<bool, Fault> {
        if let Some(known) = self.is_direct.get() {
            return Ok(*known);
        }
        let pooler = database::pooler(&self.url).await?;
        if pooler != Pooler::None {
            tracing::warn!(
                "the database is reached through a transaction pooler: should this process be killed, its jobs run again \
                 when its lease has run out; with an address of the server itself, within two seconds"
            );
        }
        Ok(*self.is_direct.get_or_init(|| pooler == Pooler::None))
    }

    /// The session has ended.
    pub(crate) fn lose(&self) {
        if self.is_held.swap(false, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }
}
