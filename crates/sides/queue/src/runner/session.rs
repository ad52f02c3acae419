//! A connection of the runner's own, with its statements prepared.

use std::{collections::HashMap, time::Duration};

use database::DatabaseUrl;
use tokio_postgres::{Client, Row, Statement, types::ToSql};

/// Plans that stay good whatever the statistics say: the tables grow from nothing to millions of rows between
/// two analyses. Ids are looked up in an index, and then joined by hash with what was sent. Jobs come in the order of
/// their index: a bitmap of it, sorted, would be all that wait.
///
/// Sessions begin with them: what is SET later could reach other programs through a pooler.
pub const SETTINGS: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_nestloop", "off"),
    ("enable_mergejoin", "off"),
    ("enable_sort", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
    ("synchronous_commit", "on"),
];

/// Why a statement has no answer. It may have been carried out all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("no connection")]
    Connect(#[from] database::ConnectError),
    #[error("a statement failed")]
    Statement(#[from] tokio_postgres::Error),
    #[error("no answer within {0:?}")]
    Silent(Duration),
}

impl SessionError {
    /// Whether the session can go on: the statement alone failed.
    fn is_sound(&self) -> bool {
        match self {
            Self::Statement(error) => {
                error.code().is_some_and(|code| !database::is_end_of_session(code.code()))
            }
            Self::Connect(_) | Self::Silent(_) => false,
        }
    }
}

/// Connects when it is first needed, and again after a failure.
pub(crate) struct Session {
    url: DatabaseUrl,
    /// A server that says nothing for so long is taken for gone.
    patience: Duration,
    open: Option<Open>,
}

struct Open {
    client: Client,
    prepared: HashMap<&'static str, Statement>,
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Session {
    pub(crate) fn new(url: DatabaseUrl, patience: Duration) -> Self {
        let url = SETTINGS.iter().fold(url, |url, (name, value)| url.with_setting(name, value));
        Self { url, patience, open: None }
    }

    /// Connects and prepares before the first job is in a hurry. A failure here shows again when it matters.
    pub(crate) async fn warm_up(&mut self, statements: &[&'static str]) {
        let patience = self.patience;
        let warm = async {
            let open = self.open().await?;
            for sql in statements {
                open.prepare(sql).await?;
            }
            Ok(())
        };
        let done = tokio::time::timeout(patience, warm).await.unwrap_or(Err(SessionError::Silent(patience)));
        if let Err(error) = self.check(done) {
            tracing::debug!(error = crate::error::chain(&error), "not connected yet");
        }
    }

    /// Rows of a statement.
    pub(crate) async fn query(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, SessionError> {
        let patience = self.patience;
        let rows = async {
            let open = self.open().await?;
            let statement = open.prepare(sql).await?;
            Ok(open.client.query(&statement, parameters).await?)
        };
        let answer =
            tokio::time::timeout(patience, rows).await.unwrap_or(Err(SessionError::Silent(patience)));
        self.check(answer)
    }

    /// How many rows a statement wrote.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        parameters: Parameters<'_>,
    ) -> Result<u64, SessionError> {
        let patience = self.patience;
        let count = async {
            let open = self.open().await?;
            let statement = open.prepare(sql).await?;
            Ok(open.client.execute(&statement, parameters).await?)
        };
        let answer =
            tokio::time::timeout(patience, count).await.unwrap_or(Err(SessionError::Silent(patience)));
        self.check(answer)
    }

    async fn open(&mut self) -> Result<&mut Open, SessionError> {
        if self.open.as_ref().is_none_or(|open| open.client.is_closed()) {
            let client = database::client(&self.url).await?;
            self.open = Some(Open { client, prepared: HashMap::new() });
        }
        Ok(self.open.as_mut().expect("it was opened above"))
    }

    /// After a failure the connection is of no more use, unless the statement alone was refused.
    fn check<T>(&mut self, answer: Result<T, SessionError>) -> Result<T, SessionError> {
        if answer.as_ref().is_err_and(|error| !error.is_sound()) {
            self.open = None;
        }
        answer
    }
}

impl Open {
    async fn prepare(&mut self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }
}
