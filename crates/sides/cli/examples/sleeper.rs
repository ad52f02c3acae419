//! A worker that knows one kind of job, `nap`, and takes its time for it. A nap with `wishes` asks for one more instance.

use std::{process::ExitCode, time::Duration};

use job::{Job, Policy};
use queue::{Context, JobError, Registry, Runner, RunnerConfig};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Serialize, Deserialize)]
struct Nap {
    millis: u64,
    #[serde(default)]
    wishes: bool,
}

impl Job for Nap {
    const KIND: &'static str = "nap";
    const POLICY: Policy = Policy::DEFAULT;
}

async fn nap(nap: Nap, context: Context<process::Process>) -> Result<(), JobError> {
    if nap.wishes {
        let evidence = json!({ "beds": 1 });
        process::request_scale(&context.state, "worker", "the beds are full", &evidence).await?;
    }
    tokio::time::sleep(Duration::from_millis(nap.millis)).await;
    Ok(())
}

fn main() -> ExitCode {
    let declaration = process::Declaration::new().works();
    process::Definition::new("worker", "Takes naps.").declares(declaration).run(
        |environment| environment.number("WORKER_CONCURRENCY", 2, 1..=100),
        |process, concurrency| async move {
            let config = RunnerConfig {
                concurrency,
                instance: process.instance,
                release: process.release.clone(),
                ..RunnerConfig::default()
            };
            let registry = Registry::new(process.clone()).handle::<Nap, _>(nap);
            let runner = Runner::new(process.database.clone(), registry, config);
            process.set_busy(runner.busy());
            Ok(runner.run(process.drain.token(), process.drain_limit).await?)
        },
    )
}
