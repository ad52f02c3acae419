//! What every request has at hand.

use std::sync::Arc;

use database::{Connection, Pool, PooledConnection};
use process::Process;

use crate::{Brand, Config, Fault, session::Key};

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
}

impl Site {
    /// The site of a process.
    #[must_use]
    pub fn new(process: &Process, config: &Config, brand: Brand) -> Self {
        let key = config.secret.as_ref().map(Key::of);
        let release = process.release.clone();
        let shared = Shared { pool: process.pool.clone(), key, process: process.name, release };
        Self { brand, shared: Arc::new(shared) }
    }

    /// A database connection for this request.
    ///
    /// # Errors
    /// When none can be had in time.
    pub async fn connection(&self) -> Result<PooledConnection, Fault> {
        self.shared.pool.get().await.map_err(Fault::Away)
    }

    /// Reads from the database, once more over another connection where the first one turns out to be of no more use:
    /// `site.read(async |connection| …)`. See [`database::read`].
    ///
    /// # Errors
    /// When no connection can be had in time, or what `work` fails with.
    pub async fn read<T>(&self, work: impl AsyncFn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        database::read(&self.shared.pool, work).await
    }

    /// What signs people in; without it nobody can be.
    pub(crate) fn key(&self) -> Result<&Key, Fault> {
        self.shared.key.as_ref().ok_or(Fault::NoSecret(self.brand.secret_variable))
    }

    /// Who did what, as jobs remember it: the process and its build.
    #[must_use]
    pub fn enqueuer(&self) -> String {
        format!("{}@{}", self.shared.process, self.shared.release)
    }
}
