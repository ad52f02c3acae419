//! Reads that are repeated once if the connection failed.

use deadpool::managed::TimeoutType;
use diesel_async::AsyncPgConnection;

use crate::{Pool, PoolError, Verdict, discard, verdict};

/// What a reader fails with.
pub trait ReadError: From<PoolError> {
    /// The database's own error in it, if it is one.
    fn database(&self) -> Option<&diesel::result::Error>;
}

impl ReadError for ReadFault {
    fn database(&self) -> Option<&diesel::result::Error> {
        match self {
            Self::Query(error) => Some(error),
            Self::Pool(_) => None,
        }
    }
}

/// The plainest [`ReadError`].
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// No connection could be had.
    #[error("cannot get a connection")]
    Pool(#[from] PoolError),
    /// The database refused.
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
}

/// Reads over a connection of the pool. When the connection turns out to be of no more use, as after a failover or a
/// change of the schema, it is replaced and `work` done once more: it must only read.
///
/// # Errors
/// What `work` fails with, the second time; that no connection could be had; or that the pool's limit ran out, as
/// [`PoolError::Timeout`].
pub async fn read<T, E: ReadError>(
    pool: &Pool,
    work: impl AsyncFn(&mut AsyncPgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let first = once(pool, &work).await;
    let verdict = match &first {
        Err(error) => error.database().map_or(Verdict::Sound, verdict),
        Ok(_) => Verdict::Sound,
    };
    match verdict {
        Verdict::Sound => return first,
        Verdict::Replace => {}
        Verdict::ReplaceAll => pool.manager().renew(),
    }
    once(pool, &work).await
}

async fn once<T, E: ReadError>(
    pool: &Pool,
    work: &impl AsyncFn(&mut AsyncPgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut connection = pool.get().await?;
    let Some(patience) = pool.manager().patience() else { return work(&mut connection).await };
    match tokio::time::timeout(patience, work(&mut connection)).await {
        Ok(answer) => answer,
        Err(_) => {
            // Its statement still runs: nobody else is to wait behind it.
            discard(connection);
            Err(E::from(PoolError::Timeout(TimeoutType::Recycle)))
        }
    }
}
