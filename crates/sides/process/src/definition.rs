//! What distinguishes one process from another before it runs.

use database::Limits;

use crate::Declaration;

/// A process' name and sizes. `Definition::new("clock", "Fires jobs.").threads(1).run(Config::read, clock::run)`
#[derive(Debug, Clone)]
pub struct Definition {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) threads: usize,
    pub(crate) pool_size: usize,
    pub(crate) ops_port: u16,
    pub(crate) role: Option<&'static str>,
    pub(crate) limits: Limits,
    pub(crate) declaration: Declaration,
}

impl Definition {
    /// A process that does what `about` says in one sentence (`--help` shows it), with one runtime thread per core
    /// and a pool of up to 8 connections.
    #[must_use]
    pub fn new(name: &'static str, about: &'static str) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, Into::into);
        Self {
            name,
            about,
            threads,
            pool_size: 8,
            ops_port: 0,
            role: None,
            limits: Limits::NONE,
            declaration: Declaration::new(),
        }
    }

    /// The port of its ops server, if that is free and `OPS_PORT` is not set. Without this, any free one.
    #[must_use]
    pub fn ops_port(mut self, port: u16) -> Self {
        self.ops_port = port;
        self
    }

    /// How many threads run its tasks.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// How many database connections it may hold unless `DATABASE_POOL_SIZE` says otherwise.
    #[must_use]
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections;
        self
    }

    /// The database role it acts as when that exists and may be used, unless `DATABASE_ROLE` says otherwise; if it
    /// may not be used, a warning says so. Without this it is `sides_<name>`, in databases where that was given rights.
    #[must_use]
    pub fn role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
        self
    }

    /// How long statements over its pool may take, unless `DATABASE_STATEMENT_TIMEOUT_MS` and
    /// `DATABASE_LOCK_TIMEOUT_MS` say otherwise. For a process that people wait for: with a limit it is ready only while
    /// its declared tables answer within it.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the binary is made of: its `--manifest`. Without it the process is taken to use no table but its
    /// own row, and to know no job.
    #[must_use]
    pub fn declares(mut self, declaration: Declaration) -> Self {
        self.declaration = declaration;
        self
    }
}
