//! Fires jobs by name when they are due, and watches the processes.

use std::process::ExitCode;

use clock::{Clock, WatchSettings};

fn main() -> ExitCode {
    process::Definition::new(
        "clock",
        "Fires jobs by name when they are due, and watches the processes. Run any number of them.",
    )
    .threads(1)
    .pool_size(2)
    .role("sides_clock")
    .run(WatchSettings::read, |process, settings| async {
        Clock::new(clock::schedules::all()?).watch(settings).run(process).await
    })
}
