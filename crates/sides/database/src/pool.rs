//! A pool of connections that survives a restart of the server.

use std::time::Duration;

use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool},
};
use futures_util::FutureExt as _;

use crate::{DatabaseUrl, connect};

/// A cheap handle; clone it freely.
pub type Pool = deadpool::Pool<AsyncPgConnection>;
/// A connection that goes back to its pool when dropped.
pub type PooledConnection = deadpool::Object<AsyncPgConnection>;
/// Why no connection could be had in time.
pub type PoolError = deadpool::PoolError;

/// A pool of at most `size` connections, opened when first needed and checked before each use.
///
/// Getting one waits at most 5 seconds, whether for a free one or for the server.
#[must_use]
pub fn pool(url: &DatabaseUrl, size: usize) -> Pool {
    let wait = Some(Duration::from_secs(5));
    let mut config = ManagerConfig::default();
    let target = url.clone();
    config.custom_setup = Box::new(move |_| {
        let target = target.clone();
        async move {
            connect(&target).await.map_err(|error| {
                // diesel's error holds text only: keep the whole chain in it.
                let mut text = error.to_string();
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    text = format!("{text}: {cause}");
                    source = cause.source();
                }
                diesel::ConnectionError::BadConnection(text)
            })
        }
        .boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(url.to_string(), config);
    deadpool::Pool::builder(manager)
        .max_size(size)
        .runtime(::deadpool::Runtime::Tokio1)
        .wait_timeout(wait)
        .create_timeout(wait)
        .recycle_timeout(wait)
        .build()
        .expect("a pool with timeouts only needs a runtime, and has one")
}
