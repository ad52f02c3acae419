//! Fires jobs by name when they are due, and watches the processes.

use std::process::ExitCode;

use clock::{Clock, WatchSettings};

fn main() -> ExitCode {
    let schedules = clock::schedules::all();
    process::Definition::new(
        "clock",
        "Fires jobs by name when they are due, and watches the processes. Run any number of them.",
    )
    .threads(1)
    .pool_size(2)
    .role("sides_clock")
    .declares(clock::declaration(schedules.as_deref().unwrap_or_default()))
    .run(WatchSettings::read, |process, settings| async {
        Clock::new(schedules?).watch(settings).run(process).await
    })
}
