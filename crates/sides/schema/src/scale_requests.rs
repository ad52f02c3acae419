//! Requests of processes for one instance more: the rows of `sides.scale_requests`. Controllers hear of one at the commit.

use database::Json;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Jsonb, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde_json::Value;

/// The same in any other language: this statement is all there is to it.
const ASK: &str = "\
INSERT INTO sides.scale_requests (process, reason, evidence, asked_by) VALUES ($1, $2, $3, $4)";

/// Asks for one instance more of `process`.
///
/// # Errors
/// When the row cannot be written.
pub async fn ask(
    connection: &mut AsyncPgConnection,
    process: &str,
    reason: &str,
    evidence: &Value,
    asked_by: &str,
) -> QueryResult<()> {
    sql_query(ASK)
        .bind::<Text, _>(process)
        .bind::<Text, _>(reason)
        .bind::<Jsonb, _>(evidence)
        .bind::<Text, _>(asked_by)
        .execute(connection)
        .await
        .map(drop)
}

/// An open request.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Request {
    /// Later ones are greater.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The process that there should be more of.
    #[diesel(sql_type = Text)]
    pub process: String,
    /// Why, in words.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// Figures that say so.
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    pub evidence: Value,
    /// Who asks.
    #[diesel(sql_type = Text)]
    pub asked_by: String,
}

/// An old request says nothing of now.
const OPEN: &str = "\
SELECT id, process, reason, evidence, asked_by FROM sides.scale_requests
WHERE decided_at IS NULL AND at > now() - interval '5 minutes' ORDER BY id LIMIT 1000";

/// Those of the last five minutes that nobody has decided on, the first first.
///
/// # Errors
/// When the database is unavailable.
pub async fn open(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Request>> {
    sql_query(OPEN).load(connection).await
}

/// Closes these.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn decided(connection: &mut AsyncPgConnection, requests: &[Request]) -> QueryResult<()> {
    let ids: Vec<i64> = requests.iter().map(|request| request.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let query = sql_query("UPDATE sides.scale_requests SET decided_at = now() WHERE id = ANY ($1)");
    query.bind::<Array<BigInt>, _>(ids).execute(connection).await.map(drop)
}
