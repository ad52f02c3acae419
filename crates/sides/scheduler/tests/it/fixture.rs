//! A database with schedules in it, schedulers that keep them, and questions about what became of them.

use std::{process::Command, time::Duration};

use database::{Connection, DatabaseUrl};
use diesel::{QueryableByName, sql_types};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::{Program, TestDatabase, wait_until};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process that fires nothing but schedules.
pub(crate) fn scheduler_on(url: &DatabaseUrl) -> Program {
    start(Command::new(testing::example("scheduler")), url)
}

/// One whose machine is wrong about the time.
pub(crate) fn skewed_scheduler_on(url: &DatabaseUrl) -> Program {
    start(Command::new(testing::example("skewed_scheduler")), url)
}

fn start(mut command: Command, url: &DatabaseUrl) -> Program {
    command.env("DATABASE_URL", url.expose()).env("OPS_PORT", "0").env("LOG_FORMAT", "json");
    Program::start(&mut command)
}

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

    pub(crate) async fn scheduler(&self) -> Program {
        let scheduler = scheduler_on(self.database.url());
        scheduler.answers("/readyz", 200, "ready").await;
        scheduler
    }

    /// Waits until every scheduler has read the orders given so far: it then keeps this new one too.
    pub(crate) async fn heard(&mut self, probe: &str) {
        self.questions.store(probe, "every 20 ms", "skip").await;
        self.questions
            .until(&format!("SELECT count(*) > 2 FROM sides.ticks WHERE schedule = '{probe}'"))
            .await;
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
    pub(crate) async fn store(&mut self, name: &str, expression: &str, missed: &str) {
        self.run(&format!(
            "INSERT INTO sides.stored_schedules
                (name, expression, zone, kind, arguments, missed, overlap, changed_by)
             VALUES ('{name}', '{expression}', 'UTC', 'work', '{{\"for\": \"{name}\"}}', '{missed}', 'allow', 'ann')"
        ))
        .await;
    }

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
