//! From a `DATABASE_URL` to connections: parsing, TLS, roles, a pool.
//!
//! Never knows models, the queue or any process.

mod connect;
mod pool;
mod tls;
mod url;

pub use connect::{ConnectError, client, connect};
pub use pool::{Pool, PoolError, PooledConnection, pool};
pub use tls::TlsMode;
pub use url::{DatabaseUrl, UrlError};

/// The connection type of the whole workspace.
pub type Connection = diesel_async::AsyncPgConnection;
