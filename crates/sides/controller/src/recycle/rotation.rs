//! Which instance of a process is replaced next. Pure, with the time given.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use schedule::Schedule;

/// A moment that found no room for so long is given up: the next one comes.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Knows the next moment, and what is left to do of the last one.
#[derive(Debug)]
pub(crate) struct Rotation {
    schedule: Schedule,
    next: Option<DateTime<Utc>>,
    due: Option<DateTime<Utc>>,
    left: VecDeque<String>,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// The moment has come: whoever writes its tick has to do it.
    Due(DateTime<Utc>),
    /// This replica is next.
    Replace(String),
}

impl Rotation {
    pub(crate) fn new(schedule: Schedule, now: DateTime<Utc>) -> Self {
        Self { next: schedule.next_after(now), schedule, due: None, left: VecDeque::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.schedule.name
    }

    pub(crate) fn step(&mut self, now: DateTime<Utc>) -> Step {
        if let Some(next) = self.next.filter(|next| *next <= now) {
            (self.due, self.next) = (Some(next), self.schedule.next_after(now));
        }
        if let Some(replica) = self.left.front() {
            return Step::Replace(replica.clone());
        }
        self.due.map_or(Step::Nothing, Step::Due)
    }

    /// The moment is over when it was in vain for too long; whether it is.
    pub(crate) fn give_up(&mut self, now: DateTime<Utc>) -> bool {
        let is_over = self.due.is_some_and(|due| now - due > PATIENCE);
        if is_over {
            self.due = None;
            self.left.clear();
        }
        is_over
    }

    /// This controller has the tick, or (with nothing) another one.
    pub(crate) fn begin(&mut self, replicas: Vec<String>) {
        self.left = replicas.into();
        if self.left.is_empty() {
            self.due = None;
        }
    }

    /// The replica that was next is done.
    pub(crate) fn done(&mut self) {
        self.left.pop_front();
        if self.left.is_empty() {
            self.due = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn rotation() -> Rotation {
        Rotation::new(Schedule::new("recycle worker", "0 */6 * * *", "x").unwrap(), at(1))
    }

    #[test]
    fn a_moment_is_one_copy_after_the_other() {
        let mut rotation = rotation();
        assert_eq!(rotation.step(at(359)), Step::Nothing);
        assert_eq!(rotation.step(at(361)), Step::Due(at(360)));
        assert_eq!(rotation.step(at(362)), Step::Due(at(360)), "there was no room");
        rotation.begin(vec!["worker.1".to_owned(), "worker.2".to_owned()]);
        assert_eq!(rotation.step(at(363)), Step::Replace("worker.1".to_owned()));
        rotation.done();
        assert_eq!(rotation.step(at(364)), Step::Replace("worker.2".to_owned()));
        rotation.done();
        assert_eq!(rotation.step(at(365)), Step::Nothing);
        assert_eq!(rotation.step(at(720)), Step::Due(at(720)));
    }

    #[test]
    fn what_another_controller_has_or_never_fits_is_left() {
        let mut rotation = rotation();
        assert_eq!(rotation.step(at(360)), Step::Due(at(360)));
        rotation.begin(Vec::new());
        assert_eq!(rotation.step(at(361)), Step::Nothing);
        assert_eq!(rotation.step(at(720)), Step::Due(at(720)));
        assert!(!rotation.give_up(at(780)) && rotation.give_up(at(781)));
        assert_eq!(rotation.step(at(782)), Step::Nothing);
    }
}
