//! The time that all clocks share: the database's, carried on by this machine's monotonic clock.
//!
//! A machine whose own time is wrong would otherwise fire early, and for all the others.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment of the database and when it was read here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wall {
    read: DateTime<Utc>,
    at: Instant,
    /// What this machine's own time said then.
    own: DateTime<Utc>,
}

impl Wall {
    /// The monotonic clock stands still while a machine sleeps, and its own time may be set: when the two
    /// part by this much, the database is asked again.
    const TRUST: TimeDelta = TimeDelta::milliseconds(500);

    /// The database answered `told` to a question asked at `asked`: half of the way there had passed.
    pub(crate) fn new(told: DateTime<Utc>, asked: Instant) -> Self {
        Self { read: told + delta(asked.elapsed() / 2), at: Instant::now(), own: Utc::now() }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.at(Instant::now())
    }

    fn at(&self, instant: Instant) -> DateTime<Utc> {
        self.read + delta(instant.saturating_duration_since(self.at))
    }

    /// Whether this machine slept or its time was set since.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.parts(Instant::now(), Utc::now())
    }

    fn parts(&self, instant: Instant, own: DateTime<Utc>) -> bool {
        let elapsed = delta(instant.saturating_duration_since(self.at));
        (own - self.own - elapsed).abs() > Self::TRUST
    }
}

/// A span as the calendar's arithmetic needs it.
fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_from_the_database_whatever_this_machine_says() {
        let told: DateTime<Utc> = "2020-02-29T12:00:00Z".parse().unwrap();
        let wall = Wall::new(told, Instant::now());
        let later = wall.at(wall.at + Duration::from_secs(90)) - wall.read;
        assert_eq!(later, TimeDelta::seconds(90));
        assert!((wall.now() - told).abs() < TimeDelta::seconds(1), "{:?}", wall.now());
    }

    #[test]
    fn a_sleep_or_a_set_clock_is_noticed() {
        let wall = Wall::new(Utc::now(), Instant::now());
        let hour = Duration::from_secs(3600);
        assert!(!wall.parts(wall.at + hour, wall.own + delta(hour)));
        assert!(wall.parts(wall.at, wall.own + delta(hour)), "slept");
        assert!(wall.parts(wall.at + hour, wall.own), "set back");
    }
}
