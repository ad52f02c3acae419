//! Fires jobs by name when they are due, and watches the processes.

use std::{process::ExitCode, sync::Arc};

use clock::{Clock, TendSettings, WatchSettings};
use platform::{local::LocalHost, place::Place};

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
    .run(
        |environment| (WatchSettings::read(environment), TendSettings::read(environment)),
        |process, (watch, tend)| async {
            let host = LocalHost::of_this_process().map(|host| Arc::new(host) as Arc<dyn Place>);
            Clock::new(schedules?).watch(watch).tend(tend).place(host).run(process).await
        },
    )
}
