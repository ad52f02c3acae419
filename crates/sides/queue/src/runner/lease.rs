//! How long this runner may still take its jobs for its own.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Counted from before the renewal was sent: never longer than what the database believes.
#[derive(Debug)]
pub(crate) struct Lease {
    length: Duration,
    renewed: Mutex<Option<Instant>>,
    pub(crate) changed: Notify,
}

impl Lease {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, renewed: Mutex::new(None), changed: Notify::new() }
    }

    pub(crate) fn renew(&self, sent: Instant) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
        self.changed.notify_waiters();
    }

    /// Whether new jobs may be taken: not when the last renewal is more than half a lease ago.
    pub(crate) fn may_claim(&self, now: Instant) -> bool {
        self.age(now).is_some_and(|age| age < self.length / 2)
    }

    /// Whether jobs may be in other hands by now.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        self.age(now).is_some_and(|age| age >= self.length)
    }

    fn age(&self, now: Instant) -> Option<Duration> {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.map(|at| now.saturating_duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_claiming_at_half_and_is_lost_at_the_end() {
        let (lease, now) = (Lease::new(Duration::from_secs(30)), Instant::now());
        assert!(!lease.may_claim(now) && !lease.is_lost(now));
        lease.renew(now);
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(lease.may_claim(after(14)) && !lease.may_claim(after(15)));
        assert!(!lease.is_lost(after(29)) && lease.is_lost(after(30)));
    }
}
