//! The door to whatever runs the processes.

use async_trait::async_trait;

/// Restarts a process that is down. What a platform answers goes into the ledger, with the reason.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Starts a fresh copy of this process in place of the given instance. The answer is what was done, or why
    /// nothing was.
    async fn restart(&self, process: &str, instance: uuid::Uuid, reason: &str) -> Result<String, String>;
}
