//! Enqueueing that is no part of a transaction, and chooses what an outage of the database means.

use std::{
    error::Error as StdError,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use database::{ConnectError, DatabaseUrl};
use job::Job;
use tokio_postgres::{Client, error::SqlState};

use crate::{EnqueueError, JobId, Options, insert::NewJob, transaction};

/// What an [`Enqueuer`] does while the database is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOutage {
    /// Fails at once: the caller says so to its user, or keeps the work somewhere else.
    Fail,
    /// Tries again until the job is committed, for so long at most.
    Wait(Duration),
}

/// Enqueues each job in a transaction of its own.
///
/// In a transaction of the application's, use [`crate::enqueue_in`] and its like: when the database goes away, that fails
/// as a whole. Where nothing is written but the job, this can wait through a restart or a failover instead. A job is enqueued
/// once, however often that was tried: each try has the same id, and one whose commit was not answered is recognized.
///
/// ```no_run
/// # use std::time::Duration;
/// # use sides_queue::{DatabaseUrl, EnqueueError, Enqueuer, Job, OnOutage};
/// # async fn example(url: DatabaseUrl, job: &impl Job) -> Result<(), EnqueueError> {
/// let enqueuer = Enqueuer::new(url, OnOutage::Wait(Duration::from_secs(20)));
/// let id = enqueuer.enqueue(job).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Enqueuer {
    url: DatabaseUrl,
    on_outage: OnOutage,
    idle: Mutex<Vec<Client>>,
}

/// So many connections stay open while nothing is enqueued.
const IDLE: usize = 8;
/// A server that says nothing for so long is taken for gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon to try again at first, and how soon at last.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

impl Enqueuer {
    /// Connects when something is enqueued: one connection for each job that is on its way at the same time.
    #[must_use]
    pub fn new(url: DatabaseUrl, on_outage: OnOutage) -> Self {
        Self { url, on_outage, idle: Mutex::default() }
    }

    /// Enqueues a job as its policy says. It is committed when this returns.
    ///
    /// # Errors
    /// As [`crate::enqueue()`]; [`EnqueueError::Outage`] when the database was away for too long. Then the job is enqueued
    /// only if the last commit went through unanswered.
    pub async fn enqueue<J: Job>(&self, job: &J) -> Result<JobId, EnqueueError> {
        self.enqueue_with(job, &Options::default()).await
    }

    /// Enqueues a job with options of its own.
    ///
    /// # Errors
    /// As [`Enqueuer::enqueue`].
    pub async fn enqueue_with<J: Job>(&self, job: &J, options: &Options) -> Result<JobId, EnqueueError> {
        let job = NewJob::of(job, options)?;
        let begun = Instant::now();
        let limit = match self.on_outage {
            OnOutage::Fail => Duration::ZERO,
            OnOutage::Wait(limit) => limit,
        };
        let [mut pause, longest] = PAUSES;
        let mut is_repeated = false;
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            let patience = if limit.is_zero() { PATIENCE } else { PATIENCE.min(left) };
            let tried = tokio::time::timeout(patience, self.attempt(&job, is_repeated)).await;
            let fault = match tried {
                Ok(Ok(id)) => return Ok(id),
                Ok(Err(Fault::Refused(error))) => return Err(error),
                Ok(Err(Fault::Away(error))) => error,
                Err(_) => format!("no answer within {patience:?}").into(),
            };
            let left = limit.saturating_sub(begun.elapsed());
            if left <= pause {
                return Err(EnqueueError::Outage { waited: begun.elapsed(), source: fault });
            }
            tracing::debug!(
                error = crate::error::chain(fault.as_ref()),
                "the database is away; enqueueing waits"
            );
            // Not all who wait at the same moment.
            tokio::time::sleep(pause.mul_f64(0.75 + rand::random::<f64>() / 4.0)).await;
            pause = (pause * 2).min(longest);
            is_repeated = true;
        }
    }

    /// What idled through an outage is no longer of use: then a new connection is tried.
    async fn attempt(&self, job: &NewJob, is_repeated: bool) -> Result<JobId, Fault> {
        let idle = self.lock().pop().filter(|client| !client.is_closed());
        let mut client = match idle {
            Some(client) => client,
            None => database::client(&self.url).await.map_err(Fault::of_connecting)?,
        };
        let done = write(&mut client, job, is_repeated).await;
        match &done {
            Ok(_) | Err(Fault::Refused(_)) => {
                let mut idle = self.lock();
                if idle.len() < IDLE && !client.is_closed() {
                    idle.push(client);
                }
            }
            // The others were opened to the same server.
            Err(Fault::Away(_)) => self.lock().clear(),
        }
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An earlier try may have been committed: then its row is there, or is being written and waited for, or is in the history by
/// now.
async fn write(client: &mut Client, job: &NewJob, is_repeated: bool) -> Result<JobId, Fault> {
    let transaction = client.transaction().await.map_err(Fault::of_statement)?;
    let id = match transaction::insert(&transaction, job).await {
        Ok(id) => id,
        Err(error) if is_repeated && is_own_id(&error) => return Ok(JobId(job.id)),
        Err(error) => return Err(Fault::of_statement(error)),
    };
    if is_repeated {
        let over = "SELECT FROM sides.job_history WHERE id = $1";
        if !transaction.query(over, &[&job.id]).await.map_err(Fault::of_statement)?.is_empty() {
            return Ok(JobId(job.id));
        }
    }
    transaction.commit().await.map_err(Fault::of_statement)?;
    Ok(id)
}

fn is_own_id(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::UNIQUE_VIOLATION && error.constraint() == Some("fang_tasks_pkey")
    })
}

enum Fault {
    /// Waiting does not help.
    Refused(EnqueueError),
    Away(Box<dyn StdError + Send + Sync>),
}

impl Fault {
    fn of_statement(error: tokio_postgres::Error) -> Self {
        if is_outage(&error) { Self::Away(error.into()) } else { Self::Refused(error.into()) }
    }

    fn of_connecting(error: ConnectError) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(found) = cause {
            if let Some(found) = found.downcast_ref::<tokio_postgres::Error>()
                && !is_outage(found)
            {
                return Self::Refused(EnqueueError::Connect(error));
            }
            cause = found.source();
        }
        Self::Away(error.into())
    }
}

/// A server that answers with anything else than that it is not up, full, or not the one to write to, has decided.
fn is_outage(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| {
        database::is_end_of_session(code.code()) || *code == SqlState::TOO_MANY_CONNECTIONS
    })
}
