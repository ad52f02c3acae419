//! What stands between an address and its server: nothing that can be noticed, or a pooler that gives every
//! transaction another session.
//!
//! Such a pooler keeps neither locks, nor LISTEN, nor settings from one statement to the next; an older one mixes up
//! prepared statements too. What a session is asked for here leaves nothing behind in it.

use std::time::Duration;

use tokio_postgres::Client;

use crate::{ConnectError, DatabaseUrl, client};

/// How often two sessions are compared: a pooler with many free connections may give each client the same one for a while.
const ROUNDS: usize = 4;

/// How long a statement may take to be found again.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// Sessions of its own: the server itself, or a pooler that gives each client one.
    None,
    /// Sessions change between transactions, prepared statements follow.
    Transaction,
    /// Sessions change between transactions, prepared statements are lost.
    TransactionWithoutStatements,
    /// Sessions change between statements, and there are no transactions.
    Statement,
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum PoolerError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A question failed in a way that no pooler explains.
    #[error("the database refused a query")]
    Query(#[from] tokio_postgres::Error),
}

/// Finds out what an address leads to, by two sessions side by side.
///
/// # Errors
/// When the database is unavailable, or refuses a question.
pub async fn pooler(url: &DatabaseUrl) -> Result<Pooler, PoolerError> {
    let (one, other) = (client(url).await?, client(url).await?);
    let (first, second) = (backend(&one).await?, backend(&other).await?);
    let mut shared = first == second;
    for round in 0..ROUNDS {
        if shared {
            break;
        }
        // In a transaction a session is kept: the other then gets another one, where there is a pooler.
        let held = round % 2 == 0;
        if held && !begins(&one).await? {
            return Ok(Pooler::Statement);
        }
        let now = (backend(&one).await?, backend(&other).await?);
        if held {
            one.batch_execute("ROLLBACK").await?;
        }
        shared |= now != (first, second) || now.0 == now.1;
    }
    if !shared {
        return Ok(Pooler::None);
    }
    if !begins(&one).await? {
        return Ok(Pooler::Statement);
    }
    one.batch_execute("ROLLBACK").await?;
    Ok(if keeps_statements(&one, &other).await {
        Pooler::Transaction
    } else {
        Pooler::TransactionWithoutStatements
    })
}

/// Begins a transaction, unless there are none: what PgBouncer refuses with `pool_mode = statement`.
async fn begins(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let refuses = |error: &tokio_postgres::Error| {
        error.as_db_error().is_some_and(|error| error.message().contains("statement pooling"))
    };
    match client.batch_execute("BEGIN").await {
        Ok(()) => Ok(true),
        Err(error) if refuses(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The server's process behind a session. Asked without a prepared statement.
async fn backend(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    let pid = answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    Ok(pid.unwrap_or_default())
}

/// Whether a statement that was prepared in one transaction is there in the next, whichever session that gets.
async fn keeps_statements(one: &Client, other: &Client) -> bool {
    let kept = async {
        let statement = one.prepare("SELECT $1::int4 + 1").await?;
        for round in 0..4 {
            // The other one takes the session that the statement was prepared in, for the time of its transaction.
            other.batch_execute("BEGIN; SELECT 1").await?;
            let answer = one.query_one(&statement, &[&round]).await;
            other.batch_execute("ROLLBACK").await?;
            answer?;
        }
        Ok::<_, tokio_postgres::Error>(())
    };
    // Where the pooler has but one session the other transaction holds it: not to be told from one that is lost.
    matches!(tokio::time::timeout(PATIENCE, kept).await, Ok(Ok(())))
}
