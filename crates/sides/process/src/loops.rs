//! The tasks that must not end while the process runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio_util::task::TaskTracker;

use crate::{Drain, logs::panic_text};

/// Watches each loop. One that ends, fails or panics before the drain has started makes the process not
/// live, starts the drain and lets the process exit with 1, so that its supervisor starts a whole one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loops {
    tracker: TaskTracker,
    list: Arc<Mutex<Vec<LoopStatus>>>,
}

/// How a loop stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct LoopStatus {
    pub(crate) name: &'static str,
    pub(crate) state: LoopState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) since: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LoopState {
    Running,
    Ended,
    Failed,
}

impl Loops {
    pub(crate) fn spawn<F>(&self, name: &'static str, drain: Drain, work: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let loops = self.clone();
        loops.lock().push(LoopStatus { name, state: LoopState::Running, reason: None, since: Utc::now() });
        self.tracker.spawn(async move {
            let ended = tokio::spawn(work).await;
            let reason = match ended {
                Ok(Ok(())) if drain.is_started() => None,
                Ok(Ok(())) => Some("it ended unexpectedly".to_owned()),
                Ok(Err(error)) => Some(crate::chain(error.as_ref()).to_string()),
                Err(panic) => Some(panicked(panic)),
            };
            if let Some(reason) = &reason {
                tracing::error!(process.loop = name, "a loop ended unexpectedly, so the process exits: {reason}");
            }
            loops.end(name, reason);
            drain.start();
        });
    }

    fn end(&self, name: &'static str, reason: Option<String>) {
        let mut list = self.lock();
        let running = |one: &&mut LoopStatus| one.name == name && one.state == LoopState::Running;
        if let Some(one) = list.iter_mut().find(running) {
            one.state = if reason.is_some() { LoopState::Failed } else { LoopState::Ended };
            one.reason = reason;
            one.since = Utc::now();
        }
    }

    /// Waits until every loop has ended. None may be spawned from here on.
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    pub(crate) fn list(&self) -> Vec<LoopStatus> {
        self.lock().clone()
    }

    /// Why the process is not whole any more.
    pub(crate) fn failures(&self) -> Vec<String> {
        let list = self.lock();
        let failed = list.iter().filter(|one| one.state == LoopState::Failed);
        failed
            .map(|one| format!("loop {}: {}", one.name, one.reason.as_deref().unwrap_or("failed")))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LoopStatus>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the panic of a task said.
pub(crate) fn panicked(ended: tokio::task::JoinError) -> String {
    match ended.try_into_panic() {
        Ok(payload) => format!("it panicked: {}", panic_text(&*payload)),
        Err(_) => "its task was cancelled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(
        drain: &Drain,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> Loops {
        let loops = Loops::default();
        loops.spawn("work", drain.clone(), work);
        loops.ended().await;
        loops
    }

    #[tokio::test]
    async fn an_unexpected_end_is_a_failure_and_starts_the_drain() {
        let drain = Drain::new();
        let loops = outcome(&drain, async { Ok(()) }).await;
        assert_eq!(loops.failures(), ["loop work: it ended unexpectedly"]);
        assert!(drain.is_started());

        let loops = outcome(&Drain::new(), async { anyhow::bail!("no luck") }).await;
        assert_eq!(loops.failures(), ["loop work: no luck"]);

        let loops = outcome(&Drain::new(), async { panic!("at the {}", "disco") }).await;
        assert_eq!(loops.failures(), ["loop work: it panicked: at the disco"]);
    }

    #[tokio::test]
    async fn an_end_within_the_drain_is_none() {
        let drain = Drain::new();
        drain.start();
        let loops = outcome(&drain, async { Ok(()) }).await;
        assert_eq!(loops.failures(), Vec::<String>::new());
        assert_eq!(loops.list()[0].state, LoopState::Ended);
    }
}
