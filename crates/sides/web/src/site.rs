//! The state available to every request.

use std::{sync::Arc, time::Duration};

use actix_web::HttpRequest;
use anyhow::Context as _;
use database::{Connection, Pool, PooledConnection};
use process::Process;

use crate::{Brand, Config, Fault, client, guesses::Guesses, session::Key};

/// How long a wrong secret waits for its answer.
const WRONG_SECRET_DELAY: Duration = Duration::from_millis(500);

/// Shared by all threads that answer requests. Clones share one state.
#[derive(Clone)]
pub struct Site {
    pub(crate) brand: Brand,
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    key: Option<Key>,
    process: &'static str,
    release: String,
    guesses: Guesses,
}

impl Site {
    /// The site of a process.
    ///
    /// # Errors
    /// When its metrics are registered already.
    pub fn new(process: &Process, config: &Config, brand: Brand) -> anyhow::Result<Self> {
        let guesses = Guesses::register(&process.metrics).context("cannot set up the metrics")?;
        let key = config.secret.as_ref().map(Key::of);
        let release = process.release.clone();
        let shared = Shared { pool: process.pool.clone(), key, process: process.name, release, guesses };
        Ok(Self { brand, shared: Arc::new(shared) })
    }

    /// A database connection for this request.
    ///
    /// # Errors
    /// When no connection becomes available in time.
    pub async fn connection(&self) -> Result<PooledConnection, Fault> {
        self.shared.pool.get().await.map_err(Fault::Away)
    }

    /// Reads from the database, once more over another connection where the first one turns out to be of no more use:
    /// `site.read(async |connection| …)`. See [`database::read`].
    ///
    /// # Errors
    /// When no connection becomes available in time, or when `work` fails.
    pub async fn read<T>(&self, work: impl AsyncFn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        database::read(&self.shared.pool, work).await
    }

    /// What signs people in; without it nobody can be.
    pub(crate) fn key(&self) -> Result<&Key, Fault> {
        self.shared.key.as_ref().ok_or(Fault::NoSecret(self.brand.secret_variable))
    }

    /// The process that serves the site: whose sessions are whose where several share a database.
    pub(crate) fn process(&self) -> &'static str {
        self.shared.process
    }

    /// Whether somebody gave the secret for what is named. Wrong ones are answered ever more slowly.
    pub(crate) async fn try_secret(
        &self,
        given: &str,
        request: &HttpRequest,
        to: &str,
    ) -> Result<bool, Fault> {
        let address = client::address(request);
        self.shared.guesses.begin(address).map_err(Fault::TooMany)?;
        if self.key()?.is(given) {
            self.shared.guesses.right(address);
            return Ok(true);
        }
        self.shared.guesses.wrong(address, to);
        tokio::time::sleep(WRONG_SECRET_DELAY).await;
        Ok(false)
    }

    /// Who did what, as jobs remember it: the process and its build.
    #[must_use]
    pub fn enqueuer(&self) -> String {
        format!("{}@{}", self.shared.process, self.shared.release)
    }
}
