//! The napper, and questions to its database.

use std::process::Command;

use database::DatabaseUrl;
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::TestDatabase;

/// The napper with nothing in its environment but what a test gives it.
pub(crate) fn napper() -> Command {
    let mut command = Command::new(testing::example("napper"));
    command.env_clear();
    command
}

/// The napper on a database, with an ops port of its own.
pub(crate) fn napper_on(url: &DatabaseUrl) -> Command {
    let mut command = napper();
    command.env("DATABASE_URL", url.expose()).env("OPS_PORT", "0");
    command
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The only column, `line`, of the rows that a query answers.
pub(crate) async fn lines(database: &TestDatabase, query: &str) -> Vec<String> {
    let mut connection = database.connect().await;
    let rows: Vec<Line> = diesel::sql_query(query).load(&mut connection).await.expect("the query is right");
    rows.into_iter().map(|row| row.line).collect()
}

/// The states of all instances.
pub(crate) async fn states(database: &TestDatabase) -> Vec<String> {
    lines(database, "SELECT state AS line FROM sides.instances ORDER BY started_at").await
}

/// Runs statements on the server, outside the test's database.
pub(crate) async fn on_server(database: &TestDatabase, statements: &str) {
    let mut connection =
        database::connect(&database.url().with_database("postgres")).await.expect("the server answers");
    connection.batch_execute(statements).await.expect("the statements are right");
}
