//! How many rows at once, and how long a rest between two batches. Pure.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::Load;

/// How much of the server a backfill may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceOptions {
    /// How long one batch should take: nobody waits longer for one of its rows.
    pub batch: Duration,
    /// The part of the time in which it works, between 0 and 1.
    pub share: f64,
    /// How far a replica may be behind.
    pub replica_lag: Duration,
    /// The same in bytes of the log.
    pub replica_bytes: i64,
    /// How many sessions of others may work at once.
    pub active: i64,
}

impl Default for PaceOptions {
    fn default() -> Self {
        Self {
            batch: Duration::from_millis(50),
            share: 0.5,
            replica_lag: Duration::from_secs(1),
            replica_bytes: 64 << 20,
            active: 40,
        }
    }
}

/// Why it goes slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Slow {
    /// A replica is too far behind.
    ReplicaLag,
    /// Others have much to do.
    Load,
    /// Small queries take long.
    Latency,
    /// Others wait for its rows.
    HeldUp,
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReplicaLag => "a replica is behind",
            Self::Load => "others have much to do",
            Self::Latency => "queries take long",
            Self::HeldUp => "others wait for its rows",
        })
    }
}

/// What to do after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// How long to do nothing.
    pub pause: Duration,
    /// Why it is longer than the usual.
    pub slow: Option<Slow>,
}

/// The pace, as it becomes from batch to batch.
#[derive(Debug, Clone)]
pub struct Pace {
    options: PaceOptions,
    size: u64,
    brake: Duration,
    quickest_answer: Option<Duration>,
}

const FIRST: u64 = 500;
const MOST: u64 = 50_000;
const FIRST_BRAKE: Duration = Duration::from_millis(250);
const LONGEST_BRAKE: Duration = Duration::from_secs(10);
/// An answer that takes less is quick, whatever others took.
const QUICK: Duration = Duration::from_millis(20);

impl Pace {
    /// Carefully at first.
    #[must_use]
    pub fn new(options: PaceOptions) -> Self {
        Self { options, size: FIRST, brake: Duration::ZERO, quickest_answer: None }
    }

    /// Rows of the next batch.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A batch was given up for a lock: fewer rows meet fewer locks.
    pub fn gave_up(&mut self) {
        self.size = (self.size / 2).max(1);
    }

    /// Learns from a batch that took so long while the server had so much to do.
    pub fn after(&mut self, took: Duration, load: &Load) -> Rest {
        let microseconds = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let fitting = self.size.saturating_mul(microseconds(self.options.batch)) / microseconds(took).max(1);
        // A batch's cost per row varies; a slow one counts at once, a quick one by and by.
        self.size = fitting.clamp(self.size / 4, (self.size * 3 / 2).max(2)).clamp(1, MOST);
        let slow = self.slow(load);
        let share = self.options.share.clamp(0.01, 1.0);
        let usual = took.mul_f64(1.0 / share - 1.0);
        self.brake = match slow {
            Some(_) => (self.brake * 2).clamp(FIRST_BRAKE, LONGEST_BRAKE),
            None => Duration::ZERO,
        };
        Rest { pause: usual.max(self.brake), slow }
    }

    fn slow(&mut self, load: &Load) -> Option<Slow> {
        let quickest = self.quickest_answer.map_or(load.answer, |known| known.min(load.answer));
        self.quickest_answer = Some(quickest);
        let limits = &self.options;
        if load.replica_lag > limits.replica_lag || load.replica_bytes > limits.replica_bytes {
            Some(Slow::ReplicaLag)
        } else if load.held_up > 0 {
            Some(Slow::HeldUp)
        } else if load.active > limits.active {
            Some(Slow::Load)
        } else if load.answer > QUICK && load.answer > quickest * 5 {
            Some(Slow::Latency)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Load = Load {
        replica_lag: Duration::ZERO,
        replica_bytes: 0,
        active: 3,
        held_up: 0,
        answer: Duration::from_millis(1),
    };

    #[test]
    fn batches_grow_to_the_wanted_time_and_shrink_at_once() {
        let mut pace = Pace::new(PaceOptions::default());
        let before = pace.size();
        pace.after(Duration::from_millis(1), &QUIET);
        assert_eq!(pace.size(), before * 3 / 2);
        pace.after(Duration::from_millis(500), &QUIET);
        assert_eq!(pace.size(), before * 3 / 8);
        (0..100).for_each(|_| pace.gave_up());
        assert_eq!(pace.size(), 1);
        for _ in 0..100 {
            pace.after(Duration::from_micros(1), &QUIET);
        }
        assert!(pace.size() <= MOST);
    }

    #[test]
    fn in_quiet_it_rests_as_long_as_it_worked() {
        let mut pace = Pace::new(PaceOptions::default());
        let rest = pace.after(Duration::from_millis(40), &QUIET);
        assert_eq!((rest.pause, rest.slow), (Duration::from_millis(40), None));
    }

    #[test]
    fn each_sign_of_trouble_brakes_more_and_more_and_is_named() {
        let seconds = Duration::from_secs;
        for (load, expected) in [
            (Load { replica_lag: seconds(2), ..QUIET }, Slow::ReplicaLag),
            (Load { replica_bytes: 100 << 20, ..QUIET }, Slow::ReplicaLag),
            (Load { active: 41, ..QUIET }, Slow::Load),
            (Load { held_up: 1, ..QUIET }, Slow::HeldUp),
            (Load { answer: Duration::from_millis(60), ..QUIET }, Slow::Latency),
        ] {
            let mut pace = Pace::new(PaceOptions::default());
            pace.after(Duration::from_millis(1), &QUIET);
            let pauses: Vec<_> = (0..9)
                .map(|_| {
                    let rest = pace.after(Duration::from_millis(1), &load);
                    assert_eq!(rest.slow, Some(expected));
                    rest.pause.as_millis()
                })
                .collect();
            assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
            assert_eq!(pace.after(Duration::from_millis(1), &QUIET).pause, Duration::from_millis(1));
        }
    }
}
