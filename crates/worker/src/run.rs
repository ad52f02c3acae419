//! The worker's work: claim jobs and run them until the drain.

use anyhow::Context as _;
use process::Process;
use queue::{Part, Runner, RunnerConfig};

use crate::{Config, State, registry};

/// Runs jobs until the process is told to stop.
///
/// # Errors
/// When the HTTP clients or the metrics cannot be set up, or nothing can be run.
pub async fn run(process: Process, config: Config) -> anyhow::Result<()> {
    let state = State::new(process.pool.clone(), &process.metrics, config.egress, config.witnesses)
        .context("cannot set up the worker")?;
    let runner = Runner::new(
        process.database.clone(),
        registry(state),
        RunnerConfig {
            concurrency: config.concurrency,
            instance: process.instance,
            release: process.release.clone(),
            history: Some(config.job_history),
            ..RunnerConfig::default()
        },
    );
    process.set_busy(runner.busy());
    let (lease, notifications) = (process.health.check("lease"), process.health.check("notifications"));
    let runner = runner.report(move |part, fault| {
        let check = match part {
            Part::Lease => &lease,
            Part::Notifications => &notifications,
        };
        match fault {
            Some(fault) => check.fail(fault),
            None => check.pass(),
        }
    });
    runner.run(process.drain.token(), process.drain_limit).await.context("cannot run jobs")
}
