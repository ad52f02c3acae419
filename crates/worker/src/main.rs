//! Runs jobs: one handler per job kind.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::Definition::new("worker", "Runs jobs: claims those of the kinds it knows, many at once.")
        .ops_port(3002)
        .declares(worker::declaration())
        .run(worker::Config::read, worker::run)
}
