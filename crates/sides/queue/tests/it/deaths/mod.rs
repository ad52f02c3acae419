//! Workers that are killed are missed within two seconds, and nobody else is: real processes, with leases that would last
//! much longer.

mod alive;
mod killed;
mod other_languages;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use database::{Connection, DatabaseUrl};
use nix::{sys::signal::Signal, unistd::Pid};
use tempfile::TempDir;
use testing::{Program, example, wait_until};

use crate::fixture::execute;

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(4);
/// What is left of the short lease at least: it is renewed every quarter, and a machine may be busy.
const REST: Duration = Duration::from_millis(2500);
/// A third of the lease: how soon it is on a machine that is not busy with something else is measured, and in the documents.
const SOON: Duration = Duration::from_secs(10);
/// Longer than it takes to miss a worker.
const TIME_TO_MISS: Duration = Duration::from_millis(2500);
const PATIENCE: Duration = Duration::from_secs(25);

const SEEN: &str = "SELECT count(*) FROM sides.runner_sessions WHERE server_started_at IS NOT NULL";
const FINISHED: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
const LOST: &str = "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost'";

/// A worker with eight slots, and the diary that outlives it.
struct Worker {
    program: Program,
    diary: PathBuf,
}

impl Worker {
    fn start(url: &DatabaseUrl, folder: &TempDir, name: &str, lease: Duration) -> Self {
        let diary = folder.path().join(name);
        let mut command = Command::new(example("chaos_worker"));
        command.env("CHAOS_DATABASE_URL", url.with_application_name(name).expose());
        command.env("CHAOS_DIARY", &diary).env("CHAOS_LEASE_MS", lease.as_millis().to_string());
        Self { program: Program::start(&mut command), diary }
    }

    /// When it wrote such a line.
    fn wrote(&self, what: &str) -> Vec<Duration> {
        let text = std::fs::read_to_string(&self.diary).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let (at, rest) = line.split_once(' ')?;
            (rest.split(' ').next()? == what).then(|| Duration::from_micros(at.parse().unwrap()))
        });
        lines.collect()
    }

    async fn has_started(&self, jobs: usize) -> Duration {
        let name = self.diary.file_name().unwrap();
        let what = format!("{jobs} jobs start at {name:?}, which says:\n{}", self.program.output());
        wait_until(&what, PATIENCE, async || self.wrote("start").len() >= jobs).await;
        self.wrote("start").into_iter().max().unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.program.id()).unwrap())
    }

    async fn kill(&mut self) -> Duration {
        let at = now();
        self.program.signal(Signal::SIGKILL);
        self.program.ended().await;
        at
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

async fn enqueue(c: &mut Connection, jobs: usize, millis: usize) {
    let insert = "INSERT INTO sides.fang_tasks (metadata) \
        SELECT jsonb_build_object('type', 'chaos', 'number', n, 'millis',";
    execute(c, &format!("{insert} {millis}) FROM generate_series(1, {jobs}) AS n")).await;
}

/// How long the jobs waited until they started elsewhere.
async fn missed(killed: Duration, other: &Worker, jobs: usize) -> Duration {
    let waited = other.has_started(jobs).await - killed;
    println!("{jobs} jobs of a killed worker started elsewhere after {} ms", waited.as_millis());
    waited
}
