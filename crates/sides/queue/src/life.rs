//! A job's whole life: who enqueued it, every attempt, how it ended.

use database::Connection;
use diesel::QueryResult;
use schema::jobs::seen;
use serde::Serialize;

use crate::JobId;

pub use schema::jobs::seen::{Attempt as AttemptSeen, Job as JobSeen};

/// A job from its enqueueing to its end, or to now.
#[derive(Debug, Clone, Serialize)]
pub struct Life {
    /// The job itself.
    pub job: JobSeen,
    /// Every attempt that has ended, the first one first. The one that ended the job is among them.
    pub attempts: Vec<AttemptSeen>,
}

/// The life of a job; `None` when nobody remembers it.
///
/// # Errors
/// When the database is unavailable.
pub async fn life(connection: &mut Connection, id: JobId) -> QueryResult<Option<Life>> {
    let Some(job) = seen::find(connection, id.0, false).await? else { return Ok(None) };
    let attempts = seen::attempts(connection, id.0).await?;
    Ok(Some(Life { job, attempts }))
}
