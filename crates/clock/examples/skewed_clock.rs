//! A clock on a machine whose time is wrong: a day ahead, and two in a hundred too fast.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

struct Fast {
    began: Instant,
}

impl clock::Time for Fast {
    fn monotonic(&self) -> Instant {
        self.began + self.began.elapsed().mul_f64(1.02)
    }

    fn own(&self) -> DateTime<Utc> {
        let gained = self.monotonic().saturating_duration_since(Instant::now());
        Utc::now() + TimeDelta::days(1) + TimeDelta::from_std(gained).unwrap_or(TimeDelta::zero())
    }
}

fn main() -> ExitCode {
    process::Definition::new("clock", "A clock whose wall time is wrong.").threads(1).role("sides_clock").run(
        clock::WatchSettings::read,
        |process, settings| async {
            // A machine that has run for a while already.
            let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap_or_else(Instant::now);
            let clock = clock::Clock::new(Vec::new()).time(Fast { began });
            clock.watch(settings).run(process).await
        },
    )
}
