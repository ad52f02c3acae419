//! Whether the database answers the process's own queries, over the pool that it uses.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use database::{Pool, PoolError};
use diesel_async::SimpleAsyncConnection as _;

use crate::{Check, chain, complaint::Complaint};

const EVERY: Duration = Duration::from_secs(2);

/// Looks at every table that the build declares, without reading a row: enough to wait where its readers wait.
pub(crate) struct Questions {
    pub(crate) check: Check,
    pub(crate) tables: Vec<String>,
    pub(crate) pool: Pool,
    /// The statements' own.
    pub(crate) limit: Duration,
}

#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("cannot get a connection")]
    Pool(#[from] PoolError),
    #[error("cannot read {table}")]
    Query {
        table: String,
        #[source]
        error: diesel::result::Error,
    },
    #[error("no answer about {table} within {} ms", limit.as_millis())]
    Slow { table: String, limit: Duration },
}

impl Questions {
    /// Asks until it is aborted.
    pub(crate) async fn run(self) -> Infallible {
        let mut complaint = Complaint::default();
        loop {
            match self.ask().await {
                Ok(()) => {
                    if complaint.end() {
                        tracing::info!("the database answers again");
                    }
                    self.check.pass();
                }
                Err(error) => {
                    let text = chain(&error).to_string();
                    if complaint.is_due(&text, Instant::now()) {
                        tracing::warn!("the database does not answer this process's queries: {text}");
                    }
                    self.check.fail(text);
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn ask(&self) -> Result<(), Unanswered> {
        let mut connection = self.pool.get().await?;
        for table in &self.tables {
            let question = format!("SELECT FROM {} LIMIT 0", quoted(table));
            // The server's limit ends it, but for one that says nothing any more.
            let limit = self.limit + Duration::from_millis(500);
            let asked = tokio::time::timeout(limit, connection.batch_execute(&question)).await;
            match asked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Unanswered::Query { table: table.clone(), error }),
                Err(_) => {
                    database::discard(connection);
                    return Err(Unanswered::Slow { table: table.clone(), limit });
                }
            }
        }
        Ok(())
    }
}

/// `schema.table`, each part as it is.
fn quoted(table: &str) -> String {
    let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    match table.split_once('.') {
        Some((schema, table)) => format!("{}.{}", quote(schema), quote(table)),
        None => quote(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("services"), "\"services\"");
        assert_eq!(quoted("other.Order \"Items\""), "\"other\".\"Order \"\"Items\"\"\"");
    }
}
