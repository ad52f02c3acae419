//! Jobs that appear behind the place that claims have reached.
//!
//! A job is due when its transaction began, unless its enqueuer says otherwise, and appears when that commits: meanwhile
//! others came and were claimed. Each notification of new jobs says from which moment on they are due, so that a claim can
//! look there.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

/// More moments are not kept one by one: a look through everything finds their jobs.
const MOST: usize = 10_000;
/// Who names a moment further ahead is not believed.
const AHEAD: TimeDelta = TimeDelta::seconds(1);

/// What was heard and no claim has looked for yet.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Moments at which jobs are due that were committed.
    pub(crate) due: BTreeSet<DateTime<Utc>>,
    /// The latest of all such moments so far. Who commits a job for an earlier one will be heard.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Priorities that have jobs, now or later.
    pub(crate) priorities: BTreeSet<i16>,
}

/// Shared by those who hear and those who look.
#[derive(Debug)]
pub(crate) struct Late {
    heard: Mutex<Heard>,
    claims: AtomicU64,
    swept: Mutex<Swept>,
    /// A look through everything is due.
    pub(crate) sweep: Notify,
}

/// A look through everything: when it ended, and how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Swept {
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

/// A look that takes long is worth waiting for this many times as long.
const SHARE: u32 = 20;
/// After so long without one, a claim looks through everything itself.
const OVERDUE: Duration = Duration::from_secs(30);

/// Who starts is spared a look of its own that takes longer.
const LONG: Duration = Duration::from_millis(10);

impl Swept {
    /// When the next one is due, at least `pause` later.
    pub(crate) fn next(self, pause: Duration) -> Instant {
        self.ended + pause.max(self.took * SHARE)
    }

    /// Whether another should long have ended.
    fn is_overdue(self, now: Instant) -> bool {
        now > self.next(OVERDUE) + self.took * SHARE
    }
}

impl Default for Late {
    fn default() -> Self {
        let swept = Swept { ended: Instant::now(), took: Duration::ZERO };
        Self {
            heard: Mutex::default(),
            claims: AtomicU64::new(0),
            swept: Mutex::new(swept),
            sweep: Notify::new(),
        }
    }
}

impl Late {
    /// What a notification says: microseconds since 1970. One that says nothing speaks of any job at all.
    pub(crate) fn notified(&self, payload: &str) {
        match payload.parse().ok().and_then(DateTime::from_timestamp_micros) {
            Some(due) => self.due([due]),
            None => self.sweep.notify_one(),
        }
    }

    /// Jobs of these moments are there.
    pub(crate) fn due(&self, due: impl IntoIterator<Item = DateTime<Utc>>) {
        let ahead = Utc::now() + AHEAD;
        let mut heard = lock(&self.heard);
        for due in due {
            heard.due.insert(due);
            heard.until = heard.until.max(Some(due).filter(|due| *due < ahead));
        }
        if heard.due.len() > MOST {
            heard.due.clear();
            drop(heard);
            self.sweep.notify_one();
        }
    }

    /// Jobs of these priorities are there, now or later.
    pub(crate) fn priorities(&self, priorities: impl IntoIterator<Item = i16>) {
        lock(&self.heard).priorities.extend(priorities);
    }

    /// All that was heard since the last time.
    pub(crate) fn take(&self) -> Heard {
        let mut heard = lock(&self.heard);
        let until = heard.until;
        std::mem::replace(&mut heard, Heard { until, ..Heard::default() })
    }

    /// A claim brought jobs.
    pub(crate) fn claimed(&self) {
        self.claims.fetch_add(1, Ordering::Relaxed);
    }

    /// How many claims brought jobs so far.
    pub(crate) fn claims(&self) -> u64 {
        self.claims.load(Ordering::Relaxed)
    }

    /// Everything was looked at.
    pub(crate) fn swept(&self, swept: Swept) {
        *lock(&self.swept) = swept;
    }

    /// Whether looking through everything is worth avoiding.
    pub(crate) fn is_long(&self) -> bool {
        lock(&self.swept).took > LONG
    }

    /// Whether the next claim has to look through everything itself. It is then expected to.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        let mut last = lock(&self.swept);
        let is_overdue = last.is_overdue(now);
        if is_overdue {
            *last = Swept { ended: now, took: Duration::ZERO };
        }
        is_overdue
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_a_moment_or_speaks_of_any_job() {
        let late = Late::default();
        let now = Utc::now().timestamp_micros();
        for payload in [now.to_string(), (now - 5_000_000).to_string(), (now + 60_000_000).to_string()] {
            late.notified(&payload);
        }
        let heard = late.take();
        assert_eq!(heard.due.len(), 3);
        assert_eq!(heard.until.map(|until| until.timestamp_micros()), Some(now));
        let again = late.take();
        assert!(again.due.is_empty() && again.until == heard.until);
        for odd in ["", "soon", "-9223372036854775808", "99999999999999999999", "1.5"] {
            late.notified(odd);
        }
        assert!(late.take().due.is_empty());
    }

    #[test]
    fn what_is_not_taken_does_not_pile_up() {
        let late = Late::default();
        for moment in 0..i64::try_from(MOST).unwrap() + 1 {
            late.notified(&moment.to_string());
        }
        assert!(late.take().due.is_empty());
    }
}
