//! Into the queue, inside the caller's transaction if there is one.

use std::time::Duration;

use chrono::Utc;
use database::{ConnectError, Connection};
use job::Job;
use serde_json::Value;

use crate::{
    JobId, Options, OptionsFault, admissible,
    arguments::{self, ArgumentsFault},
    error::chain,
    insert::{self, NewJob},
};

/// Why a job was not enqueued. Nothing was written, unless the database itself refused.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The kind is no name.
    #[error("a job's kind is 1 to 200 characters without U+0000, not {0:?}")]
    Kind(String),
    /// The arguments do not turn into JSON.
    #[error("the arguments of {kind} do not serialize")]
    Serialize {
        /// The job's kind.
        kind: String,
        /// What serde says.
        #[source]
        source: serde_json::Error,
    },
    /// The arguments are JSON that cannot be queued.
    #[error("the arguments of {kind}: {fault}")]
    Arguments {
        /// The job's kind.
        kind: String,
        /// What is wrong with them, and what to do.
        fault: ArgumentsFault,
    },
    /// What is said about the job cannot be kept.
    #[error("the job {kind} cannot be enqueued: {fault}")]
    Options {
        /// The job's kind.
        kind: String,
        /// What is wrong, and what to do.
        fault: OptionsFault,
    },
    /// The database refused or is away.
    #[error("the job could not be written: {0}")]
    Database(#[from] diesel::result::Error),
    /// The database refused or is away, says tokio-postgres.
    #[error("the job could not be written: {}", chain(.0))]
    Client(#[from] tokio_postgres::Error),
    /// The server does not take the user, or has no such database: only an [`crate::Enqueuer`] connects.
    #[error("the job could not be written: {}", chain(.0))]
    Connect(#[from] ConnectError),
    /// The database was away for longer than an [`crate::Enqueuer`] may wait.
    #[error("the job could not be written: no database for {waited:.1?}; {}", chain(.source.as_ref()))]
    Outage {
        /// How long it was tried.
        waited: Duration,
        /// Why the last try failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Enqueues a job as its policy says. It exists if and only if the caller's transaction commits.
///
/// # Errors
/// When the arguments cannot be stored, or the database refuses.
pub async fn enqueue<J: Job>(connection: &mut Connection, job: &J) -> Result<JobId, EnqueueError> {
    enqueue_with(connection, job, &Options::default()).await
}

/// Enqueues a job with options of its own.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_with<J: Job>(
    connection: &mut Connection,
    job: &J,
    options: &Options,
) -> Result<JobId, EnqueueError> {
    Ok(insert::one(connection, NewJob::of(job, options)?).await?)
}

/// Enqueues many jobs of one kind in one statement, in the order given.
///
/// # Errors
/// As [`enqueue`]; then none is enqueued.
pub async fn enqueue_all<J: Job>(
    connection: &mut Connection,
    jobs: &[J],
) -> Result<Vec<JobId>, EnqueueError> {
    enqueue_all_with(connection, jobs, &Options::default()).await
}

/// Enqueues many jobs of one kind with the same options in one statement. A unique key would let only the first
/// of them in: see [`enqueue_all_unique`].
///
/// # Errors
/// As [`enqueue`]; then none is enqueued.
pub async fn enqueue_all_with<J: Job>(
    connection: &mut Connection,
    jobs: &[J],
    options: &Options,
) -> Result<Vec<JobId>, EnqueueError> {
    let rows = jobs.iter().map(|job| NewJob::of(job, options)).collect::<Result<Vec<_>, _>>()?;
    Ok(insert::all(connection, rows).await?)
}

/// Enqueues those of many jobs of one kind whose key is free, in one statement; a job of this kind and key
/// that waits or runs stays the only one. Returns the ids of the new ones.
///
/// # Errors
/// As [`enqueue`]; then none is enqueued.
pub async fn enqueue_all_unique<J: Job>(
    connection: &mut Connection,
    jobs: &[J],
    key: impl Fn(&J) -> String,
) -> Result<Vec<JobId>, EnqueueError> {
    let with_key = |job: &J| {
        let options = Options { unique_key: Some(key(job)), ..Options::default() };
        NewJob::of(job, &options)
    };
    let rows = jobs.iter().map(with_key).collect::<Result<Vec<_>, _>>()?;
    Ok(insert::all(connection, rows).await?)
}

/// Enqueues a job known by its name only: for the clock, and whoever does not link the contract.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_named(
    connection: &mut Connection,
    kind: &str,
    arguments: Value,
    options: &Options,
) -> Result<JobId, EnqueueError> {
    Ok(insert::one(connection, NewJob::named(kind, 1, arguments, options)?).await?)
}

impl NewJob {
    pub(crate) fn of<J: Job>(job: &J, options: &Options) -> Result<Self, EnqueueError> {
        let arguments = serde_json::to_value(job)
            .map_err(|source| EnqueueError::Serialize { kind: J::KIND.to_owned(), source })?;
        let mut row = Self::named(J::KIND, J::VERSION, arguments, options)?;
        if options.queue.is_none() {
            J::POLICY.queue.clone_into(&mut row.queue);
        }
        row.priority = options.priority.unwrap_or(J::POLICY.priority);
        Ok(row)
    }

    pub(crate) fn named(
        kind: &str,
        version: u16,
        arguments: Value,
        options: &Options,
    ) -> Result<Self, EnqueueError> {
        if kind.is_empty() || kind.chars().count() > 200 || kind.contains('\0') {
            return Err(EnqueueError::Kind(kind.to_owned()));
        }
        let refused = |fault| EnqueueError::Options { kind: kind.to_owned(), fault };
        admissible::check(options).map_err(refused)?;
        let refuse = |fault| EnqueueError::Arguments { kind: kind.to_owned(), fault };
        let metadata = arguments::to_metadata(kind, arguments).map_err(refuse)?.to_string();
        if metadata.len() > arguments::LIMIT {
            return Err(refuse(ArgumentsFault::Size(metadata.len())));
        }
        let key = options.unique_key.as_ref();
        Ok(Self {
            id: JobId::generate().0,
            kind: kind.to_owned(),
            metadata,
            version: i16::try_from(version).unwrap_or(i16::MAX),
            queue: options.queue.clone().unwrap_or_else(|| "default".to_owned()),
            priority: options.priority.unwrap_or(0),
            at: options.at,
            unique_key: key.map(|key| options.unique.key(key, options.at.unwrap_or_else(Utc::now))),
            until: options.unique.until,
            on_conflict: options.unique.on_conflict,
            limit_key: options.limit_key.clone(),
            uniq_hash: None,
            tags: options.tags.clone(),
            trace: options.trace.clone(),
            enqueued_by: options.enqueued_by.clone(),
        })
    }
}
