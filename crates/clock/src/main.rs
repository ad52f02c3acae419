//! Fires jobs by name when they are due.

fn main() -> std::process::ExitCode {
    process::Definition::new("clock").threads(1).pool_size(2).role("sides_clock").run(
        |_| (),
        |process: process::Process, ()| async move {
            process.drain.started().await;
            Ok(())
        },
    )
}
