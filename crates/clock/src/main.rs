//! Fires jobs by name when they are due.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::Definition::new("clock")
        .about("Fires jobs by name when they are due. Run any number of them.")
        .threads(1)
        .pool_size(2)
        .role("sides_clock")
        .run(
            |_| (),
            |process, ()| async { clock::run(process, clock::schedules::all()?, clock::SystemTime).await },
        )
}
