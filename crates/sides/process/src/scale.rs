//! A wish for more copies, from within.

use diesel::sql_types::{Jsonb, Text};
use diesel_async::RunQueryDsl as _;
use serde_json::Value;

use crate::Process;

/// Why a wish was not heard.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There was no connection.
    #[error("the database is away, so nobody hears the wish")]
    Pool(#[from] database::PoolError),
    /// The row cannot be written.
    #[error("the wish cannot be written down")]
    Write(#[from] diesel::result::Error),
}

/// The same in any other language: this statement is all there is to it.
const ASK: &str = "\
INSERT INTO sides.scale_requests (process, reason, evidence, asked_by) VALUES ($1, $2, $3, $4)";

/// Asks for one copy more of `process` (`worker`, `web` …). The clock hears it at the commit and decides by its
/// policy; what it decided, with the `evidence`, is in the ledger. A wish that no clock takes up within five minutes
/// is void.
///
/// # Errors
/// When the wish cannot be written.
pub async fn request_scale(
    from: &Process,
    process: &str,
    reason: &str,
    evidence: &Value,
) -> Result<(), AskError> {
    let mut connection = from.pool.get().await?;
    diesel::sql_query(ASK)
        .bind::<Text, _>(process)
        .bind::<Text, _>(reason)
        .bind::<Jsonb, _>(evidence)
        .bind::<Text, _>(format!("{} {}", from.name, from.instance))
        .execute(&mut connection)
        .await?;
    Ok(())
}
