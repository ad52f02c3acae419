//! How long the statements of one transaction may wait for locks. Pure.

use std::time::{Duration, Instant};

/// While the transaction has nothing that others can feel, each statement has the whole limit. From then on all waits
/// share it, because whoever waits for the first lock waits for every later one as well.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// When others may have begun to wait.
    felt_since: Option<Instant>,
}

impl Patience {
    /// `limit` is for all waits together.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, felt_since: None }
    }

    /// The `lock_timeout` of the next statement; zero is none. `is_patient` is one that takes nothing which readers or
    /// writers wait for.
    pub(crate) fn next(&self, is_patient: bool, now: Instant) -> Duration {
        let Some(since) = self.felt_since else {
            return if is_patient { Duration::ZERO } else { self.limit };
        };
        // A lock that is free is had at once, however long the statements before it worked.
        let least = (self.limit / 10).max(Duration::from_millis(1));
        self.limit.saturating_sub(now.duration_since(since)).max(least)
    }

    /// A statement that began then has left behind a lock that others feel.
    pub(crate) fn is_felt(&mut self, began: Instant) {
        self.felt_since.get_or_insert(began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_something_has_what_is_left() {
        let (mut patience, now) = (Patience::new(Duration::from_millis(200)), Instant::now());
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        assert_eq!(patience.next(true, now), Duration::ZERO);
        assert_eq!(patience.next(false, after(500)), Duration::from_millis(200));
        patience.is_felt(after(500));
        patience.is_felt(after(600));
        assert_eq!(patience.next(true, after(650)), Duration::from_millis(50));
        assert_eq!(patience.next(false, after(3000)), Duration::from_millis(20));
    }
}
