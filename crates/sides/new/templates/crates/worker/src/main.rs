//! Runs jobs: one handler per job kind.

mod handlers;
mod registry;
mod state;

use std::process::ExitCode;

use process::{Declaration, Process};
use queue::{Runner, RunnerConfig};

use crate::state::State;

fn main() -> ExitCode {
    let declaration =
        Declaration::new().tables(models::SCHEMA).tables(queue::SCHEMA).handles(registry::contracts());
    process::Definition::new("worker", "Runs jobs.")
        .ops_port(3002)
        .declares(declaration)
        .run(|_| (), |process, ()| run(process))
}

async fn run(process: Process) -> anyhow::Result<()> {
    let state = State { pool: process.pool.clone() };
    let config = RunnerConfig {
        instance: process.instance,
        release: process.release.clone(),
        ..RunnerConfig::default()
    };
    let runner = Runner::new(process.database.clone(), registry::registry(state), config);
    process.set_busy(runner.busy());
    Ok(runner.run(process.drain.token(), process.drain_limit).await?)
}
