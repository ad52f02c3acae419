//! How many rows per batch, and how long to pause in between. Pure.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::Load;

/// How much of the server a backfill may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceOptions {
    /// How long one batch should take. Nobody waits more than three times as long for one of its rows.
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
    /// Commits wait long for the disk.
    Commits,
    /// Small queries take long.
    Latency,
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReplicaLag => "a replica is behind",
            Self::Load => "the server is busy",
            Self::Commits => "commits are waiting for the disk",
            Self::Latency => "queries take long",
        })
    }
}

/// The pace, as it becomes from batch to batch.
#[derive(Debug, Clone)]
pub struct Pace {
    options: PaceOptions,
    size: u64,
    brake: Duration,
    commit: Usual,
    answer: Usual,
}

const FIRST: u64 = 500;
const MOST: u64 = 50_000;
/// A batch of so few rows that takes long does so for another reason: still fewer would only make more batches of it.
const FEWEST: u64 = 100;
const FIRST_BRAKE: Duration = Duration::from_millis(250);
const LONGEST_BRAKE: Duration = Duration::from_secs(10);
/// Less is quick, whatever others took.
const QUICK_ANSWER: Duration = Duration::from_millis(20);
const QUICK_COMMIT: Duration = Duration::from_millis(50);

impl Pace {
    /// Carefully at first.
    #[must_use]
    pub fn new(options: PaceOptions) -> Self {
        let (commit, answer) = (Usual::default(), Usual::default());
        Self { options, size: FIRST, brake: Duration::ZERO, commit, answer }
    }

    /// Rows of the next batch.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// When the next batch is given up and what it holds let go; never when fewer rows would not help.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        const SHORTEST: Duration = Duration::from_millis(50);
        (self.size > FEWEST).then(|| (self.options.batch * 3).max(SHORTEST))
    }

    /// A batch was given up for a lock: fewer rows meet fewer locks.
    pub fn met_a_lock(&mut self) {
        self.size = (self.size / 2).max(1);
    }

    /// A batch was given up at its limit.
    pub fn took_too_long(&mut self) {
        self.size = (self.size / 4).max(FEWEST.min(self.size));
    }

    /// Learns from a batch that held its rows for `took` and was on disk `commit` later. Answers how long to rest.
    pub fn after(&mut self, took: Duration, commit: Duration) -> Duration {
        let microseconds = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.commit.learn(commit);
        // What the disk needs for any commit is no fault of the batch; what it needs beyond that is.
        let cost = took + self.commit.excess();
        let fitting = self.size.saturating_mul(microseconds(self.options.batch)) / microseconds(cost).max(1);
        // A batch's cost per row varies; a slow one counts at once, a quick one by and by.
        let (fewest, most) = (self.size / 4, (self.size * 3 / 2).max(2));
        self.size = fitting.clamp(fewest, most).clamp(FEWEST.min(most), MOST);
        (took + commit).mul_f64(1.0 / self.options.share.clamp(0.01, 1.0) - 1.0)
    }

    /// Whether the next batch has to wait, how long, and why.
    pub fn before(&mut self, load: &Load) -> Option<(Duration, Slow)> {
        let slow = self.slow(load);
        self.brake = match slow {
            Some(_) => (self.brake * 2).clamp(FIRST_BRAKE, LONGEST_BRAKE),
            None => Duration::ZERO,
        };
        slow.map(|slow| (self.brake, slow))
    }

    fn slow(&mut self, load: &Load) -> Option<Slow> {
        let limits = &self.options;
        self.answer.learn(load.answer);
        if load.replica_lag > limits.replica_lag || load.replica_bytes > limits.replica_bytes {
            Some(Slow::ReplicaLag)
        } else if load.active > limits.active {
            Some(Slow::Load)
        } else if self.commit.is_beyond(QUICK_COMMIT) {
            Some(Slow::Commits)
        } else if self.answer.is_beyond(QUICK_ANSWER) {
            Some(Slow::Latency)
        } else {
            None
        }
    }
}

/// How long something took last, and how long when it was quickest.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    last: Duration,
    quickest: Option<Duration>,
}

impl Usual {
    fn learn(&mut self, took: Duration) {
        self.last = took;
        self.quickest = Some(self.quickest.map_or(took, |known| known.min(took)));
    }

    fn excess(&self) -> Duration {
        self.last.saturating_sub(self.quickest.unwrap_or_default())
    }

    fn is_beyond(&self, quick: Duration) -> bool {
        self.last > quick && self.quickest.is_some_and(|quickest| self.last > quickest * 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Load =
        Load { replica_lag: Duration::ZERO, replica_bytes: 0, active: 3, answer: Duration::from_millis(1) };
    const DISK: Duration = Duration::from_millis(2);

    fn pace() -> Pace {
        Pace::new(PaceOptions::default())
    }

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn batches_grow_to_the_wanted_time_and_shrink_at_once() {
        let mut pace = pace();
        pace.after(milliseconds(1), DISK);
        assert_eq!(pace.size(), 750);
        pace.after(milliseconds(60), DISK);
        assert_eq!(pace.size(), 625);
        pace.after(milliseconds(500), DISK);
        assert_eq!(pace.size(), 156);
        for _ in 0..100 {
            pace.after(Duration::from_micros(1), DISK);
        }
        assert_eq!(pace.size(), MOST);
    }

    #[test]
    fn what_takes_long_with_few_rows_is_not_cut_to_single_ones() {
        let mut pace = pace();
        for _ in 0..10 {
            pace.after(milliseconds(3000), DISK);
        }
        assert_eq!((pace.size(), pace.limit()), (FEWEST, None));
    }

    #[test]
    fn a_batch_at_its_limit_is_cut_until_fewer_rows_would_not_help() {
        let mut pace = pace();
        assert_eq!(pace.limit(), Some(milliseconds(150)));
        pace.took_too_long();
        assert_eq!((pace.size(), pace.limit()), (125, Some(milliseconds(150))));
        pace.took_too_long();
        assert_eq!((pace.size(), pace.limit()), (FEWEST, None));
        let tiny = PaceOptions { batch: Duration::from_micros(1), ..PaceOptions::default() };
        assert_eq!(Pace::new(tiny).limit(), Some(milliseconds(50)), "nothing would ever be done");
    }

    #[test]
    fn a_lock_cuts_it_down_to_a_single_row_and_it_grows_again() {
        let mut pace = pace();
        (0..100).for_each(|_| pace.met_a_lock());
        assert_eq!(pace.size(), 1);
        pace.took_too_long();
        assert_eq!(pace.size(), 1);
        let sizes: Vec<_> = (0..5)
            .map(|_| {
                pace.after(milliseconds(1), DISK);
                pace.size()
            })
            .collect();
        assert_eq!(sizes, [2, 3, 4, 6, 9]);
    }

    #[test]
    fn it_rests_as_long_as_it_and_the_disk_worked() {
        let mut pace = pace();
        assert_eq!(pace.after(milliseconds(40), milliseconds(5)), milliseconds(45));
        let quarter = PaceOptions { share: 0.25, ..PaceOptions::default() };
        assert_eq!(Pace::new(quarter).after(milliseconds(40), DISK), milliseconds(126));
        assert_eq!(pace.before(&QUIET), None);
    }

    #[test]
    fn a_disk_that_is_always_slow_makes_no_small_batches_one_that_became_slow_does() {
        let mut pace = pace();
        for _ in 0..20 {
            pace.after(milliseconds(25), milliseconds(200));
        }
        assert!(pace.size() > 10_000, "{}", pace.size());
        assert_eq!(pace.before(&QUIET), None);
        let before = pace.size();
        pace.after(milliseconds(50), milliseconds(250));
        assert_eq!(pace.size(), before / 2);
    }

    #[test]
    fn each_sign_of_trouble_brakes_more_and_more_and_is_named() {
        let seconds = Duration::from_secs;
        for (load, commit, expected) in [
            (Load { replica_lag: seconds(2), ..QUIET }, DISK, Slow::ReplicaLag),
            (Load { replica_bytes: 100 << 20, ..QUIET }, DISK, Slow::ReplicaLag),
            (Load { active: 41, ..QUIET }, DISK, Slow::Load),
            (QUIET, milliseconds(60), Slow::Commits),
            (Load { answer: milliseconds(60), ..QUIET }, DISK, Slow::Latency),
        ] {
            let mut pace = pace();
            pace.after(milliseconds(1), DISK);
            assert_eq!(pace.before(&QUIET), None);
            let pauses: Vec<_> = (0..9)
                .map(|_| {
                    pace.after(milliseconds(1), commit);
                    let (pause, slow) = pace.before(&load).unwrap();
                    assert_eq!(slow, expected);
                    pause.as_millis()
                })
                .collect();
            assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
            pace.after(milliseconds(1), DISK);
            assert_eq!(pace.before(&QUIET), None);
        }
    }
}
