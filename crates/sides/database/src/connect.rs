//! One connection.

use diesel_async::AsyncPgConnection;
use tokio_postgres::{Client, Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::DatabaseUrl;

/// Why no connection could be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {url}")]
pub struct ConnectError {
    url: String,
    #[source]
    kind: ConnectErrorKind,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectErrorKind {
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    #[error("the server did not accept the connection")]
    Server(#[source] tokio_postgres::Error),
    #[error("the session cannot be set up")]
    Session(#[source] diesel::ConnectionError),
}

/// Opens a connection of its own, outside any pool: for a listener, a lock, a migration.
///
/// # Errors
/// When the server is away, refuses the user, or TLS cannot be agreed on.
pub async fn connect(url: &DatabaseUrl) -> Result<AsyncPgConnection, ConnectError> {
    establish(url).await.map_err(|kind| ConnectError { url: url.to_string(), kind })
}

/// Opens a connection without diesel, for statements whose errors matter in Postgres' own words and codes.
///
/// A task of its own reads from it until the client is dropped.
///
/// # Errors
/// When the server is away, refuses the user, or TLS cannot be agreed on.
pub async fn client(url: &DatabaseUrl) -> Result<Client, ConnectError> {
    let (client, connection) = open(url).await.map_err(|kind| ConnectError { url: url.to_string(), kind })?;
    // Whoever waits for an answer hears of a broken connection; an idle client has nobody to tell.
    tokio::spawn(async move { connection.await.ok() });
    Ok(client)
}

type Connected = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

async fn open(url: &DatabaseUrl) -> Result<Connected, ConnectErrorKind> {
    let config = url.client_config().map_err(ConnectErrorKind::Server)?;
    let tls = url.tls().connector().map_err(ConnectErrorKind::Tls)?;
    config.connect(tls).await.map_err(ConnectErrorKind::Server)
}

async fn establish(url: &DatabaseUrl) -> Result<AsyncPgConnection, ConnectErrorKind> {
    let (client, connection) = open(url).await?;
    AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(ConnectErrorKind::Session)
}
