//! A request for more instances, from within.

use ::schema::scale_requests;
use serde_json::Value;

use crate::Process;

/// Why a request could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There was no connection.
    #[error("the database is unavailable, so the request cannot be recorded")]
    Pool(#[from] database::PoolError),
    /// The row cannot be written.
    #[error("cannot record the request")]
    Write(#[from] diesel::result::Error),
}

/// Asks for one instance more of `process` (`worker`, `web` …). Controllers hear it at the commit and decide by their
/// policy; what they decided, with the `evidence`, is in the ledger. A request that no controller takes up within five minutes
/// is void.
///
/// # Errors
/// When the request cannot be recorded.
pub async fn request_scale(
    from: &Process,
    process: &str,
    reason: &str,
    evidence: &Value,
) -> Result<(), AskError> {
    let mut connection = from.pool.get().await?;
    let asked_by = format!("{} {}", from.name, from.instance);
    Ok(scale_requests::ask(&mut connection, process, reason, evidence, &asked_by).await?)
}
