//! The instance's row: what runs where and in which state, updated every few seconds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ::schema::{
    instances::{self, HEARTBEAT, Said},
    locks,
};
use database::{ConnectError, Connection, DatabaseUrl};
use diesel_async::RunQueryDsl as _;
use manifest::Manifest;
use tokio_util::sync::CancellationToken;

use crate::{Check, chain, complaint::Complaint, declaration, status::Status};

const AGAIN_AFTER: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);
/// A database that is away must not hold up a stop.
const LAST_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum BeatError {
    #[error("the database is unavailable")]
    Connect(#[from] ConnectError),
    #[error("cannot write the instance's row")]
    Write(#[from] diesel::result::Error),
    #[error("the database did not answer in time")]
    Slow,
}

/// Keeps the row alive over a connection of its own, so that a busy pool does not look like a dead process.
/// Whether the last beat got through is the process' database check.
pub(crate) struct Heartbeat {
    pub(crate) status: Arc<Status>,
    pub(crate) database: DatabaseUrl,
    pub(crate) check: Check,
    /// Told once, with the digest of the running program.
    pub(crate) manifest: Manifest,
}

impl Heartbeat {
    /// Beats until `stop`, and then says `stopped`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut connection = None;
        tokio::select! {
            never = self.beat_on(&mut connection) => match never {},
            () = stop.cancelled() => {}
        }
        let told = tokio::time::timeout(LAST_LIMIT, self.beat(&mut connection, "stopped")).await;
        if let Err(error) = told.unwrap_or(Err(BeatError::Slow)) {
            tracing::warn!("could not record the stop in the database: {}", chain(&error));
        }
    }

    async fn beat_on(&self, connection: &mut Option<Connection>) -> std::convert::Infallible {
        let mut complaint = Complaint::default();
        let mut swept = false;
        let mut told = false;
        loop {
            let draining = self.status.drain.is_started();
            let beat = self.beat(connection, self.status.state()).await;
            let pause = if beat.is_ok() { HEARTBEAT } else { AGAIN_AFTER };
            self.report(&beat, &mut complaint);
            // Each start takes the rows of the long dead with it.
            if let (false, Some(open)) = (swept, connection.as_mut()) {
                swept = self.within_limit(async { Ok(instances::prune(open).await?) }).await.is_ok();
            }
            if let (false, Some(open)) = (told, connection.as_mut()) {
                let manifest = self.own_manifest().await;
                let telling = async { Ok(instances::tell(open, self.status.instance, &manifest).await?) };
                told = self.within_limit(telling).await.is_ok();
            }
            tokio::select! {
                () = self.status.drain.started(), if !draining => {}
                () = self.status.changed(), if beat.is_ok() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn own_manifest(&self) -> serde_json::Value {
        let digest = tokio::task::spawn_blocking(declaration::own_digest).await;
        let mut manifest = self.manifest.clone();
        if let Ok(Ok(digest)) = digest {
            manifest.digest = digest;
        }
        serde_json::to_value(manifest).unwrap_or_default()
    }

    /// Writes the row; a connection that was lost in between is opened again at once.
    async fn beat(&self, connection: &mut Option<Connection>, state: &str) -> Result<(), BeatError> {
        if let Some(open) = connection {
            match self.within_limit(async { Ok(write(&self.status, open, state).await?) }).await {
                Ok(()) => return Ok(()),
                Err(_) => *connection = None,
            }
        }
        let fresh = self.within_limit(async {
            let mut fresh = database::connect(&self.database).await?;
            write(&self.status, &mut fresh, state).await?;
            hold(&self.status, &mut fresh).await?;
            *connection = Some(fresh);
            Ok(())
        });
        fresh.await
    }

    async fn within_limit(&self, work: impl Future<Output = Result<(), BeatError>>) -> Result<(), BeatError> {
        tokio::time::timeout(LIMIT, work).await.unwrap_or(Err(BeatError::Slow))
    }

    fn report(&self, beat: &Result<(), BeatError>, complaint: &mut Complaint) {
        match beat {
            Ok(()) => {
                if complaint.end() {
                    tracing::info!("the database is available again");
                }
                self.check.pass();
            }
            Err(error) => {
                let text = chain(error).to_string();
                if complaint.is_due(&text, Instant::now()) {
                    tracing::warn!("no heartbeat, trying again every second: {text}");
                }
                self.check.fail(text);
            }
        }
    }
}

async fn write(status: &Status, connection: &mut Connection, state: &str) -> diesel::QueryResult<()> {
    let public_address = status.public_address();
    let said = Said {
        id: status.instance,
        process: status.process,
        release: &status.release,
        host: &status.host,
        pid: i32::try_from(status.pid).unwrap_or(i32::MAX),
        ops_address: &status.ops_address.to_string(),
        public_address: public_address.as_deref(),
        state,
        started_at: status.started_at,
    };
    instances::renew(connection, &said).await
}

/// As long as the session lives, Postgres itself can say that an instance of this build does.
async fn hold(status: &Status, connection: &mut Connection) -> diesel::QueryResult<()> {
    let lock = format!("SELECT pg_try_advisory_lock_shared({})", locks::key_of("$1"));
    let name = locks::build(status.process, &status.release);
    diesel::sql_query(lock).bind::<diesel::sql_types::Text, _>(name).execute(connection).await?;
    Ok(())
}
