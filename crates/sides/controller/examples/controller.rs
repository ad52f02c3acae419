//! A process that looks after the others. It fires one schedule too, `heartbeat`: tests see by its ticks that rounds
//! went by.

use std::process::ExitCode;

use schedule::Schedule;
use sides_controller::{Controller, SCHEMA, Settings};

fn schedules() -> Result<Vec<Schedule>, schedule::ScheduleError> {
    Ok(vec![Schedule::new("heartbeat", "every 1 s", "beat")?])
}

fn main() -> ExitCode {
    let declaration = scheduler::declaration(&schedules().unwrap_or_default()).tables(SCHEMA);
    process::Definition::new("controller", "Looks after the other processes.")
        .threads(1)
        .pool_size(2)
        .declares(declaration)
        .run(Settings::read, |process, settings| async move {
            scheduler::Scheduler::new(schedules()?).start(&process)?;
            Controller::new(settings)?.start(&process)?;
            process.drain.started().await;
            Ok(())
        })
}
