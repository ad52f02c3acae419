//! The clock: fires due jobs, and looks after the processes.

mod schedules;

use std::process::ExitCode;

use controller::{Controller, Settings};
use scheduler::Scheduler;

fn main() -> ExitCode {
    let schedules = schedules::all();
    let declaration = scheduler::declaration(schedules.as_deref().unwrap_or_default());
    process::Definition::new("clock", "Fires jobs when they are due, and looks after the processes.")
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
