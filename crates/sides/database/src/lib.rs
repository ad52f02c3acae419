//! From a `DATABASE_URL` to connections: addresses, TLS, roles, a pool, and what happens to connections that fail.
//!
//! ```
//! use sides_database::DatabaseUrl;
//!
//! let url: DatabaseUrl = "postgres://app:tell-nobody@db.example.com/shop".parse()?;
//! assert_eq!((url.user(), url.database()), ("app", "shop"));
//! // An address can be logged.
//! assert!(!url.to_string().contains("tell-nobody"));
//! # Ok::<(), sides_database::UrlError>(())
//! ```
//!
//! Never knows models, the queue or any process.

mod address;
mod chain;
mod connect;
mod lenient;
mod pool;
mod pooler;
mod read;
mod session;
mod target;
mod tls;
mod verdict;

pub use address::{DatabaseUrl, UrlError};
pub use chain::chain;
pub use connect::ConnectError;
pub use lenient::{Json, Moment, OptionalJson, OptionalMoment, Words};
pub use pool::{
    Limits, Manager, ManagerError, Pool, PoolError, Pooled, PooledConnection, discard, limited_pool, pool,
};
pub use pooler::{Pooler, PoolerError, pooler};
pub use read::{ReadError, ReadFault, read};
pub use session::{NO_TRANSACTION_TIMEOUT, client, connect, unlimited_client};
pub use target::Target;
pub use tls::TlsMode;
pub use verdict::{Verdict, is_end_of_session, verdict};

/// The connection type of the whole workspace.
pub type Connection = diesel_async::AsyncPgConnection;
