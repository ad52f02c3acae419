//! Where a claim begins to look.
//!
//! Each claim walks the index of ready jobs from its start, over everything that was taken or deleted since the
//! last vacuum; under a snapshot that stops vacuum that costs more with every job. So a claim goes on where the
//! last one ended, and now and then one begins at the start again: for jobs that were committed late, are more
//! urgent, or came back.

use std::time::{Duration, Instant};

use super::sql::claim::Position;

/// At least so often everything is looked at.
const FULL_EVERY: Duration = Duration::from_millis(250);
/// A full look that takes long is worth waiting for this many times as long.
const FULL_SHARE: u32 = 10;

#[derive(Debug, Default)]
pub(crate) struct Cursor {
    last: Option<Position>,
    full: Option<(Instant, Duration)>,
}

impl Cursor {
    /// Where the next claim starts; `None` is the beginning.
    pub(crate) fn start(&self, now: Instant) -> Option<Position> {
        let (at, took) = self.full?;
        let due = at + FULL_EVERY.max(took * FULL_SHARE);
        if now < due { self.last } else { None }
    }

    /// Notes what a claim found. One that found less than it wanted has seen the end.
    pub(crate) fn claimed(
        &mut self,
        start: Option<Position>,
        began: Instant,
        ended: Instant,
        last: Option<Position>,
        was_full: bool,
    ) {
        if start.is_none() {
            self.full = Some((ended, ended - began));
        }
        self.last = if was_full { last } else { None };
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn goes_on_until_everything_is_due_again() {
        let mut cursor = Cursor::default();
        let (now, position) = (Instant::now(), Some((0, Utc::now(), Uuid::now_v7())));
        assert_eq!(cursor.start(now), None);
        let after = now + Duration::from_millis(2);
        cursor.claimed(None, now, after, position, true);
        assert_eq!(cursor.start(after), position);
        assert_eq!(cursor.start(after + FULL_EVERY), None);
    }

    #[test]
    fn a_slow_full_look_is_taken_less_often() {
        let mut cursor = Cursor::default();
        let (now, position) = (Instant::now(), Some((0, Utc::now(), Uuid::now_v7())));
        let after = now + Duration::from_millis(100);
        cursor.claimed(None, now, after, position, true);
        assert_eq!(cursor.start(after + Duration::from_millis(900)), position);
        assert_eq!(cursor.start(after + Duration::from_millis(1100)), None);
    }

    #[test]
    fn the_end_of_the_queue_is_the_beginning_again() {
        let mut cursor = Cursor::default();
        let now = Instant::now();
        cursor.claimed(None, now, now, Some((0, Utc::now(), Uuid::now_v7())), false);
        assert_eq!(cursor.start(now), None);
    }
}
