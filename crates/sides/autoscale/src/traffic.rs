//! Jobs as they arrive: recorded or generated.

use std::{f64::consts::TAU, time::Duration};

/// A job that arrives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// When, from the beginning.
    pub at: Duration,
    /// How long it runs.
    pub runs: Duration,
}

/// Generated traffic, the same each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Little to do, and after five minutes 300 jobs at once.
    Burst,
    /// Ten times as much from the tenth minute to the thirtieth.
    Step,
    /// A day in an hour: quiet nights, busy noons.
    Day,
}

impl Shape {
    /// An hour of jobs of five seconds.
    #[must_use]
    pub fn jobs(self) -> Vec<Arrival> {
        let runs = Duration::from_secs(5);
        let mut jobs = Vec::new();
        let mut owed = 0.0;
        for second in 0..3_600_u32 {
            owed += self.rate(second);
            while owed >= 1.0 {
                owed -= 1.0;
                jobs.push(Arrival { at: Duration::from_secs(second.into()), runs });
            }
        }
        jobs
    }

    /// Jobs in this second.
    fn rate(self, second: u32) -> f64 {
        match self {
            Self::Burst if second == 300 => 300.0,
            Self::Burst => 0.2,
            Self::Step if (600..1_800).contains(&second) => 2.0,
            Self::Step => 0.2,
            Self::Day => 1.2 - 1.1 * (TAU * f64::from(second) / 3_600.0).cos(),
        }
    }
}
