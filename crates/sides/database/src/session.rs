//! Sessions: what they begin with, whatever the defaults of their role and database say.

use diesel_async::AsyncPgConnection;
use tokio_postgres::Client;

use crate::{
    ConnectError, DatabaseUrl,
    connect::{ConnectErrorKind, Connected, open},
};

/// Opens a connection of its own, outside any pool: for a listener, a lock, a migration. It lives as long as it is
/// wanted, whatever the defaults of its role and database say of idle sessions.
///
/// # Errors
/// When no server of the address answers, takes the user and is of the wanted kind, or TLS cannot be agreed on.
pub async fn connect(url: &DatabaseUrl) -> Result<AsyncPgConnection, ConnectError> {
    of_diesel(url, with_settings(url, OWN).await?).await
}

/// Opens a connection of a pool, with the settings of its address alone: a pooler may be on the way.
pub(crate) async fn connect_pooled(url: &DatabaseUrl) -> Result<AsyncPgConnection, ConnectError> {
    of_diesel(url, plain(url).await?).await
}

/// Opens a connection without diesel, for statements whose errors matter in Postgres' own words and codes. It lives as
/// [`connect`]'s do.
///
/// A task of its own reads from it until the client is dropped.
///
/// # Errors
/// When no server of the address answers, takes the user and is of the wanted kind, or TLS cannot be agreed on.
pub async fn client(url: &DatabaseUrl) -> Result<Client, ConnectError> {
    Ok(spawned(with_settings(url, OWN).await?))
}

/// The same without any time limit for statements, transactions and locks that the defaults of its role and database
/// set: for work whose limits are its own.
///
/// # Errors
/// When no server of the address answers, takes the user and is of the wanted kind, or TLS cannot be agreed on.
pub async fn unlimited_client(url: &DatabaseUrl) -> Result<Client, ConnectError> {
    let settings = [OWN, UNLIMITED].concat();
    let client = spawned(with_settings(url, &settings).await?);
    // Where a pooler took none at the start, and the one that Postgres has since version 17.
    let set: String = UNLIMITED.iter().map(|(name, value)| format!("SET {name} = '{value}'; ")).collect();
    let done = client.batch_execute(&(set + NO_TRANSACTION_TIMEOUT)).await;
    done.map_err(|error| ConnectError::new(url, ConnectErrorKind::Server(error)))?;
    Ok(client)
}

/// Sets `transaction_timeout` to none where the server knows it.
pub const NO_TRANSACTION_TIMEOUT: &str = "
    SELECT CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 170000
           THEN pg_catalog.set_config('transaction_timeout', '0', false) END";

/// What sessions of our own begin with, whatever their role and database say by default: statements mean what they
/// say, and a session that waits is not taken for one that was forgotten.
const OWN: &[(&str, &str)] = &[
    ("idle_session_timeout", "0"),
    ("standard_conforming_strings", "on"),
    ("default_transaction_isolation", "read committed"),
];

const UNLIMITED: &[(&str, &str)] =
    &[("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0")];

/// With settings that the address may overrule; without them where a pooler takes none.
async fn with_settings(url: &DatabaseUrl, settings: &[(&str, &str)]) -> Result<Connected, ConnectError> {
    match plain(&url.with_defaults(settings)).await {
        Err(error) if error.is_without_options() => plain(url).await,
        tried => tried,
    }
}

async fn plain(url: &DatabaseUrl) -> Result<Connected, ConnectError> {
    open(url).await.map_err(|kind| ConnectError::new(url, kind))
}

fn spawned((client, connection): Connected) -> Client {
    // Anyone who waits for an answer hears of a broken connection; an idle client has nobody to tell.
    tokio::spawn(async move { connection.await.ok() });
    client
}

async fn of_diesel(
    url: &DatabaseUrl,
    (client, connection): Connected,
) -> Result<AsyncPgConnection, ConnectError> {
    AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(|error| ConnectError::new(url, ConnectErrorKind::Session(error)))
}
