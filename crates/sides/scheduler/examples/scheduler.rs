//! A process that fires one schedule of its own code, `heartbeat`, and those that are stored.

use std::process::ExitCode;

use schedule::Schedule;
use sides_scheduler::{Scheduler, declaration};

fn schedules() -> Result<Vec<Schedule>, schedule::ScheduleError> {
    Ok(vec![Schedule::new("heartbeat", "every 1 s", "beat")?])
}

fn main() -> ExitCode {
    let declaration = declaration(&schedules().unwrap_or_default());
    process::Definition::new("scheduler", "Fires jobs when they are due.")
        .threads(1)
        .declares(declaration)
        .run(
            |_| (),
            |process, ()| async move {
                Scheduler::new(schedules()?).start(&process)?;
                process.drain.started().await;
                Ok(())
            },
        )
}
