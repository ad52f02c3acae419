//! What the database holds, asked in plain SQL as an outsider would.

use database::DatabaseUrl;
use diesel::{QueryableByName, sql_types};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    word: Option<String>,
}

/// `SELECT count(*) …` of whatever follows the FROM.
pub(crate) async fn count(url: &DatabaseUrl, from: &str) -> i64 {
    let mut connection = database::connect(url).await.unwrap();
    let query = format!("SELECT count(*) AS number FROM {from}");
    let found: Number = diesel::sql_query(&query).get_result(&mut connection).await.expect(&query);
    found.number
}

/// The first row's `word`.
pub(crate) async fn word(url: &DatabaseUrl, query: &str) -> Option<String> {
    let mut connection = database::connect(url).await.unwrap();
    let found: Vec<Word> = diesel::sql_query(query).load(&mut connection).await.expect(query);
    found.into_iter().next()?.word
}

pub(crate) async fn execute(url: &DatabaseUrl, statements: &str) {
    let mut connection = database::connect(url).await.unwrap();
    connection.batch_execute(statements).await.expect(statements);
}

/// A watched service, pinged every five seconds from now on.
pub(crate) async fn add_service(url: &DatabaseUrl, name: &str, target: &str) {
    execute(
        url,
        &format!(
            "WITH service AS (INSERT INTO services (name, url, interval_seconds, timeout_ms, failures_before_incident) \
             VALUES ('{name}', '{target}', 5, 2000, 1) RETURNING id) \
             INSERT INTO service_states (service_id) SELECT id FROM service"
        ),
    )
    .await;
}
