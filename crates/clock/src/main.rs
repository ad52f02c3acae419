//! The clock: fires due jobs by name, and looks after the processes.

use std::process::ExitCode;

use controller::{Controller, Settings};
use scheduler::Scheduler;

mod schedules;

fn main() -> ExitCode {
    let schedules = schedules::all();
    let declaration = scheduler::declaration(schedules.as_deref().unwrap_or_default());
    process::Definition::new(
        "clock",
        "Fires jobs by name when they are due, and looks after the processes. Run any number of them.",
    )
    .ops_port(3003)
    .threads(1)
    .pool_size(2)
    .role("sides_clock")
    .declares(declaration.tables(controller::SCHEMA))
    .run(Settings::read, |process, settings| async move {
        Scheduler::new(schedules?).start(&process)?;
        Controller::new(settings)?.start(&process)?;
        process.drain.started().await;
        Ok(())
    })
}
