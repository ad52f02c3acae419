//! Whether the process is ready, as a list of named checks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// The checks of a process. It is ready when all of them pass. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    checks: Mutex<Vec<CheckState>>,
    changed: Notify,
}

/// What a check last said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct CheckState {
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) since: DateTime<Utc>,
}

/// The handle that says how one check stands.
#[derive(Debug, Clone)]
pub struct Check {
    shared: Arc<Shared>,
    name: &'static str,
}

impl Health {
    /// The check of this name; a new one has failed, with the reason "starting", until it passes.
    #[must_use]
    pub fn check(&self, name: &'static str) -> Check {
        let mut checks = self.0.lock();
        if checks.iter().all(|check| check.name != name) {
            let reason = Some("starting".to_owned());
            checks.push(CheckState { name, ok: false, reason, since: Utc::now() });
        }
        Check { shared: self.0.clone(), name }
    }

    /// Whether every check passes.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.lock().iter().all(|check| check.ok)
    }

    pub(crate) fn checks(&self) -> Vec<CheckState> {
        self.0.lock().clone()
    }

    /// Waits until a check turned from good to bad or back.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

impl Check {
    /// The check passes.
    pub fn pass(&self) {
        self.set(None);
    }

    /// The check fails: `reason` says why, for a person who was paged.
    pub fn fail(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    fn set(&self, reason: Option<String>) {
        let mut checks = self.shared.lock();
        let Some(check) = checks.iter_mut().find(|check| check.name == self.name) else { return };
        let ok = reason.is_none();
        check.reason = reason;
        if check.ok != ok {
            check.ok = ok;
            check.since = Utc::now();
            self.shared.changed.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<CheckState>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_only_while_every_check_passes() {
        let health = Health::default();
        let (one, two) = (health.check("one"), health.check("two"));
        assert!(!health.is_ready());
        one.pass();
        assert!(!health.is_ready());
        two.pass();
        assert!(health.is_ready());
        one.fail("gone");
        assert!(!health.is_ready());
        assert_eq!(health.checks()[0].reason.as_deref(), Some("gone"));
    }

    #[test]
    fn asking_for_a_check_again_keeps_what_it_said() {
        let health = Health::default();
        health.check("one").pass();
        let again = health.check("one");
        assert!(health.is_ready());
        again.fail("gone");
        assert_eq!(health.checks().len(), 1);
    }
}
