//! A worker that writes down every start and every end of its jobs, to be killed by a test.
//!
//! `CHAOS_DATABASE_URL` says where. It needs the table `chaos_runs (job uuid, what text, pid int)`.

use std::time::Duration;

use database::Pool;
use diesel::sql_types::{Integer, Text, Uuid};
use diesel_async::RunQueryDsl as _;
use queue::{Context, JobError, Registry, Runner, RunnerConfig};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// Runs for so many milliseconds.
#[derive(Debug, Serialize, Deserialize)]
struct Chaos {
    millis: u64,
}

impl jobs::Job for Chaos {
    const KIND: &'static str = "chaos";
    const POLICY: jobs::Policy = jobs::Policy {
        backoff: jobs::Backoff { base: Duration::from_millis(50), ceiling: Duration::from_secs(1) },
        max_attempts: 1000,
        ..jobs::Policy::DEFAULT
    };
}

async fn chaos(job: Chaos, context: Context<Pool>) -> Result<(), JobError> {
    note(&context, "start").await?;
    tokio::time::sleep(Duration::from_millis(job.millis)).await;
    note(&context, "end").await
}

async fn note(context: &Context<Pool>, what: &str) -> Result<(), JobError> {
    let mut c = context.state.get().await?;
    let query = diesel::sql_query("INSERT INTO chaos_runs (job, what, pid) VALUES ($1, $2, $3)")
        .bind::<Uuid, _>(context.job_id.0)
        .bind::<Text, _>(what)
        .bind::<Integer, _>(i32::try_from(std::process::id()).unwrap_or(0));
    query.execute(&mut c).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url: database::DatabaseUrl = std::env::var("CHAOS_DATABASE_URL")?.parse()?;
    let registry = Registry::new(database::pool(&url, 4)).handle::<Chaos, _>(chaos);
    let config = RunnerConfig {
        concurrency: 8,
        lease: Duration::from_secs(1),
        poll: Duration::from_millis(100),
        grace: Duration::from_millis(100),
        ..RunnerConfig::default()
    };
    println!("chaos worker {} starts", std::process::id());
    Runner::new(url, registry, config).run(CancellationToken::new(), Duration::ZERO).await?;
    Ok(())
}
