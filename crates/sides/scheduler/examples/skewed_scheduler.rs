//! A scheduler on a machine whose time is wrong: a day ahead, and two in a hundred too fast.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use sides_scheduler::{Scheduler, Time};

struct Fast {
    began: Instant,
}

impl Time for Fast {
    fn monotonic(&self) -> Instant {
        self.began + self.began.elapsed().mul_f64(1.02)
    }

    fn own(&self) -> DateTime<Utc> {
        let gained = self.monotonic().saturating_duration_since(Instant::now());
        Utc::now() + TimeDelta::days(1) + TimeDelta::from_std(gained).unwrap_or(TimeDelta::zero())
    }
}

fn main() -> ExitCode {
    process::Definition::new("scheduler", "A scheduler whose machine is wrong about the time.")
        .threads(1)
        .run(
            |_| (),
            |process, ()| async move {
                // A machine that has run for a while already.
                let began = Instant::now().checked_sub(Duration::from_secs(10)).unwrap_or_else(Instant::now);
                Scheduler::new(Vec::new()).time(Fast { began }).start(&process)?;
                process.drain.started().await;
                Ok(())
            },
        )
}
