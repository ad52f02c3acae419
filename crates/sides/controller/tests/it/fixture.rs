//! A database of its own, and questions about what became of its processes.

use std::time::Duration;

use database::Connection;
use diesel::{QueryableByName, sql_types};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::{TestDatabase, wait_until};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A database of its own.
pub(crate) struct Scene {
    pub(crate) database: TestDatabase,
    pub(crate) questions: Questions,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let questions = Questions(database.connect().await);
        Self { database, questions }
    }

    /// Waits until this one has fired some times more.
    pub(crate) async fn goes_on(&mut self, schedule: &str) {
        let count = format!("SELECT count(*) FROM sides.ticks WHERE schedule = '{schedule}'");
        let now = self.questions.number(&count).await;
        self.questions.until(&format!("SELECT ({count}) > {}", now + 5)).await;
    }
}

pub(crate) struct Questions(pub(crate) Connection);

impl Questions {
    pub(crate) async fn run(&mut self, sql: &str) {
        self.0.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::BigInt)]
            number: i64,
        }
        let query = format!("SELECT ({sql})::bigint AS number");
        let row: Row = diesel::sql_query(&query).get_result(&mut self.0).await.expect("the query is valid");
        row.number
    }

    /// A text, empty when there is none.
    pub(crate) async fn text(&mut self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::Text)]
            text: String,
        }
        let query = format!("SELECT coalesce(({sql})::text, '') AS text");
        let row: Row = diesel::sql_query(&query).get_result(&mut self.0).await.expect("the query is valid");
        row.text
    }

    /// Waits until the query says yes.
    pub(crate) async fn until(&mut self, sql: &str) {
        wait_until(sql, PATIENCE, async || self.text(sql).await == "true").await;
    }
}
