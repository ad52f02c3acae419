//! What the database holds, asked and told in plain SQL.

use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::TestDatabase;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// `SELECT count(*) …` of whatever follows the FROM.
pub(crate) async fn count(database: &TestDatabase, from: &str) -> i64 {
    let query = format!("SELECT count(*) AS number FROM {from}");
    let found: Number =
        diesel::sql_query(&query).get_result(&mut database.connect().await).await.expect(&query);
    found.number
}

/// One column of numbers.
pub(crate) async fn numbers(database: &TestDatabase, query: &str) -> Vec<i64> {
    let found: Vec<Number> = diesel::sql_query(query).load(&mut database.connect().await).await.expect(query);
    found.into_iter().map(|row| row.number).collect()
}

pub(crate) async fn execute(database: &TestDatabase, statements: &str) {
    database.connect().await.batch_execute(statements).await.expect(statements);
}

/// A service with its state row, pinged a moment ago.
pub(crate) async fn add_service(database: &TestDatabase, name: &str, url: &str, state: &str) -> i64 {
    let query = format!(
        "WITH service AS (INSERT INTO services (name, url) VALUES ('{name}', '{url}') RETURNING id)
         INSERT INTO service_states (service_id, state, last_ping_at)
         SELECT id, '{state}', now() FROM service RETURNING service_id AS number"
    );
    let added: Number =
        diesel::sql_query(&query).get_result(&mut database.connect().await).await.expect(&query);
    added.number
}

/// A transaction that has begun and holds its locks.
pub(crate) struct OpenTransaction(database::Connection);

impl OpenTransaction {
    pub(crate) async fn commit(mut self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

/// Runs statements in a transaction that stays open.
pub(crate) async fn hold(database: &TestDatabase, statements: &str) -> OpenTransaction {
    let mut connection = database.connect().await;
    connection.batch_execute(&format!("BEGIN; {statements}")).await.expect(statements);
    OpenTransaction(connection)
}

/// Waits until somebody waits for a lock.
pub(crate) async fn wait_for_a_lock(database: &TestDatabase) {
    let waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let limit = std::time::Duration::from_secs(20);
    testing::wait_until("somebody waits for a lock", limit, async || count(database, waiting).await > 0)
        .await;
}
