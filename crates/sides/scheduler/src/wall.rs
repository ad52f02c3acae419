//! The time that all schedulers share: the database's, carried on by this machine's monotonic clock.
//!
//! A machine whose own time is wrong would otherwise fire early, and for all the others.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::Time;

/// A moment of the database and when it was read here.
#[derive(Clone)]
pub(crate) struct Wall {
    time: Arc<dyn Time>,
    read: DateTime<Utc>,
    at: Instant,
    /// What this machine's own time said then.
    own: DateTime<Utc>,
}

impl Wall {
    /// The monotonic clock stands still while a machine sleeps, and its own time may be set: when the two
    /// part by this much, the database is asked again.
    const TRUST: TimeDelta = TimeDelta::milliseconds(500);
    /// And this often in any case: machines' clocks are not equally fast.
    const LONGEST: Duration = Duration::from_secs(60);

    /// The database answered `told` to a question asked at `asked`: half of the way there had passed.
    pub(crate) fn new(time: Arc<dyn Time>, told: DateTime<Utc>, asked: Instant) -> Self {
        let at = time.monotonic();
        let way = delta(at.saturating_duration_since(asked) / 2);
        Self { read: told + way, at, own: time.own(), time }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.at(self.time.monotonic())
    }

    fn at(&self, instant: Instant) -> DateTime<Utc> {
        self.read + delta(instant.saturating_duration_since(self.at))
    }

    /// Whether the database should be asked again: this machine slept, its time was set, or it is long ago.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.parts(self.time.monotonic(), self.time.own())
    }

    fn parts(&self, instant: Instant, own: DateTime<Utc>) -> bool {
        let elapsed = instant.saturating_duration_since(self.at);
        elapsed > Self::LONGEST || (own - self.own - delta(elapsed)).abs() > Self::TRUST
    }
}

/// A span as the calendar's arithmetic needs it.
fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemTime;

    fn wall(told: DateTime<Utc>) -> Wall {
        Wall::new(Arc::new(SystemTime), told, Instant::now())
    }

    #[test]
    fn goes_on_from_the_database_whatever_this_machine_says() {
        let told: DateTime<Utc> = "2020-02-29T12:00:00Z".parse().unwrap();
        let wall = wall(told);
        let later = wall.at(wall.at + Duration::from_secs(90)) - wall.read;
        assert_eq!(later, TimeDelta::seconds(90));
        assert!((wall.now() - told).abs() < TimeDelta::seconds(1), "{:?}", wall.now());
    }

    #[test]
    fn a_sleep_a_set_clock_and_a_long_time_are_noticed() {
        let wall = wall(Utc::now());
        let (half, hour) = (Duration::from_secs(30), Duration::from_secs(3600));
        assert!(!wall.parts(wall.at + half, wall.own + delta(half)));
        assert!(wall.parts(wall.at, wall.own + delta(half)), "slept");
        assert!(wall.parts(wall.at + half, wall.own), "set back");
        assert!(wall.parts(wall.at + hour, wall.own + delta(hour)), "long ago");
    }
}
