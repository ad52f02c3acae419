//! Runs jobs: one handler per job kind.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::run("worker", worker::Config::read, worker::run)
}
