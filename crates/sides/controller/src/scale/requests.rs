//! What processes asked for.

use database::{Connection, Json};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Jsonb, Text},
};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;

/// An open request.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub(crate) struct Request {
    #[diesel(sql_type = BigInt)]
    pub(crate) id: i64,
    #[diesel(sql_type = Text)]
    pub(crate) process: String,
    #[diesel(sql_type = Text)]
    pub(crate) reason: String,
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    pub(crate) evidence: Value,
    #[diesel(sql_type = Text)]
    pub(crate) asked_by: String,
}

/// An old request says nothing of now.
const OPEN: &str = "\
SELECT id, process, reason, evidence, asked_by FROM sides.scale_requests
WHERE decided_at IS NULL AND at > now() - interval '5 minutes' ORDER BY id LIMIT 1000";

const DECIDED: &str = "UPDATE sides.scale_requests SET decided_at = now() WHERE id = ANY ($1)";

pub(crate) async fn open(connection: &mut Connection) -> diesel::QueryResult<Vec<Request>> {
    diesel::sql_query(OPEN).load(connection).await
}

pub(crate) async fn decided(connection: &mut Connection, requests: &[Request]) -> diesel::QueryResult<()> {
    let ids: Vec<i64> = requests.iter().map(|request| request.id).collect();
    if !ids.is_empty() {
        diesel::sql_query(DECIDED).bind::<Array<BigInt>, _>(ids).execute(connection).await?;
    }
    Ok(())
}
