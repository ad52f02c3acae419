//! How long this runner may still take its jobs for its own.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Everything stops in this time, and nothing begins, once others were seen to have had the jobs meanwhile.
const FORFEIT: Duration = Duration::from_millis(500);

/// Counted from before the renewal was sent: never longer than what the database believes.
#[derive(Debug)]
pub(crate) struct Lease {
    length: Duration,
    renewed: Mutex<Option<Instant>>,
    forfeited: Mutex<Option<Instant>>,
    pub(crate) changed: Notify,
}

impl Lease {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, renewed: Mutex::default(), forfeited: Mutex::default(), changed: Notify::new() }
    }

    pub(crate) fn renew(&self, sent: Instant) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent);
        self.changed.notify_waiters();
    }

    /// The lease was ended early, and everything that was held then may be in other hands.
    pub(crate) fn forfeit(&self, now: Instant) {
        *self.forfeited.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Whether new jobs may be taken: not when the last renewal is more than half a lease ago.
    pub(crate) fn may_claim(&self, now: Instant) -> bool {
        !self.is_forfeited(now) && self.age(now).is_some_and(|age| age < self.length / 2)
    }

    /// Whether jobs may be in other hands by now.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        self.is_forfeited(now) || self.age(now).is_some_and(|age| age >= self.length)
    }

    fn is_forfeited(&self, now: Instant) -> bool {
        let forfeited = *self.forfeited.lock().unwrap_or_else(PoisonError::into_inner);
        forfeited.is_some_and(|at| now.saturating_duration_since(at) < FORFEIT)
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

    #[test]
    fn a_lease_that_was_ended_early_is_lost_for_a_moment() {
        let (lease, now) = (Lease::new(Duration::from_secs(30)), Instant::now());
        lease.renew(now);
        lease.forfeit(now);
        assert!(!lease.may_claim(now) && lease.is_lost(now));
        let later = now + FORFEIT;
        assert!(lease.may_claim(later) && !lease.is_lost(later));
    }
}
