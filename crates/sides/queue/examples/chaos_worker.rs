//! A worker that writes down every start and every end of its jobs, to be killed by a test.
//!
//! `CHAOS_DATABASE_URL` says where the jobs are. `CHAOS_DIARY` is the file it appends to, a line at a time, each with the
//! time in microseconds: what was written before a `kill -9` is there after it, whatever the database says.

use std::{
    fs::File,
    io::Write as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use sides_queue::{Context, JobError, Registry, Runner, RunnerConfig};
use tokio_util::sync::CancellationToken;

/// Runs for so many milliseconds, and then perhaps takes its process along.
#[derive(Debug, Serialize, Deserialize)]
struct Chaos {
    number: u32,
    millis: u64,
    #[serde(default)]
    aborts: bool,
}

impl job::Job for Chaos {
    const KIND: &'static str = "chaos";
}

#[derive(Clone)]
struct Diary(Arc<File>);

impl Diary {
    /// One line is one write, and a file that is open for appending takes each whole.
    fn note(&self, what: &str) -> std::io::Result<()> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        (&*self.0).write_all(format!("{at} {what}\n").as_bytes())
    }
}

async fn chaos(job: Chaos, context: Context<Diary>) -> Result<(), JobError> {
    let Chaos { number, millis, aborts } = job;
    context.state.note(&format!("start {number} {}", context.job_id))?;
    tokio::time::sleep(Duration::from_millis(millis)).await;
    if aborts {
        std::process::abort();
    }
    context.state.note(&format!("end {number} {}", context.job_id))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::WARN).init();
    let url: database::DatabaseUrl = std::env::var("CHAOS_DATABASE_URL")?.parse()?;
    let file = File::options().append(true).create(true).open(std::env::var("CHAOS_DIARY")?)?;
    let diary = Diary(Arc::new(file));
    let alive = diary.clone();
    // A gap between these is a time in which the machine, not the test, held the process up.
    std::thread::spawn(move || {
        while alive.note("alive").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let config = RunnerConfig {
        concurrency: 8,
        lease: Duration::from_millis(std::env::var("CHAOS_LEASE_MS")?.parse()?),
        poll: Duration::from_millis(100),
        grace: Duration::from_millis(100),
        ..RunnerConfig::default()
    };
    let runner = Runner::new(url, Registry::new(diary).handle::<Chaos, _>(chaos), config);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(runner.run(CancellationToken::new(), Duration::ZERO))?;
    Ok(())
}
