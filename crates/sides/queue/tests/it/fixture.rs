//! A database, a runner, jobs that say what happened to them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl as _;
use serde::{Deserialize, Serialize};
use sides_queue::{Registry, Runner, RunnerConfig, RunnerError};
use testing::TestDatabase;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Notes its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) number: u32,
}

impl job::Job for Note {
    const KIND: &'static str = "note";
}

/// The numbers of the jobs that ran, in order.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<u32>>>);

impl Notes {
    pub(crate) fn add(&self, number: u32) {
        self.0.lock().unwrap().push(number);
    }

    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut numbers = self.0.lock().unwrap().clone();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn in_order(&self) -> Vec<u32> {
        self.0.lock().unwrap().clone()
    }
}

pub(crate) async fn note(
    job: Note,
    context: sides_queue::Context<Notes>,
) -> Result<(), sides_queue::JobError> {
    context.state.add(job.number);
    Ok(())
}

pub(crate) struct Running {
    pub(crate) drain: CancellationToken,
    task: JoinHandle<Result<(), RunnerError>>,
}

impl Running {
    /// Drains and waits for the end.
    pub(crate) async fn stop(self) {
        self.drain.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.task)
            .await
            .expect("the runner drains in time")
            .expect("the runner does not panic")
            .expect("the runner ends well");
    }

    /// Dies as after `kill -9`: nothing is given back, nothing said.
    pub(crate) async fn kill(self) {
        self.task.abort();
        self.task.await.expect_err("aborted");
    }
}

pub(crate) fn config() -> RunnerConfig {
    RunnerConfig { concurrency: 8, poll: Duration::from_millis(200), ..RunnerConfig::default() }
}

pub(crate) fn start<S: Clone + Send + Sync + 'static>(
    database: &TestDatabase,
    registry: Registry<S>,
    config: RunnerConfig,
) -> Running {
    start_with(database, registry, config, Duration::from_secs(10))
}

pub(crate) fn start_with<S: Clone + Send + Sync + 'static>(
    database: &TestDatabase,
    registry: Registry<S>,
    config: RunnerConfig,
    drain_limit: Duration,
) -> Running {
    spawn(database.url().clone(), registry, config, drain_limit)
}

/// A runner that reaches its database in a way of its own.
pub(crate) fn start_at<S: Clone + Send + Sync + 'static>(
    url: DatabaseUrl,
    registry: Registry<S>,
    config: RunnerConfig,
) -> Running {
    spawn(url, registry, config, Duration::from_secs(10))
}

fn spawn<S: Clone + Send + Sync + 'static>(
    url: DatabaseUrl,
    registry: Registry<S>,
    config: RunnerConfig,
    drain_limit: Duration,
) -> Running {
    let drain = CancellationToken::new();
    let runner = Runner::new(url, registry, config);
    Running { task: tokio::spawn(runner.run(drain.clone(), drain_limit)), drain }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The one text that a query answers.
pub(crate) async fn text(connection: &mut database::Connection, sql: &str) -> String {
    let sql = format!("SELECT answer.* FROM ({sql}) AS answer (text)");
    let row: Words = diesel::sql_query(sql).get_result(connection).await.expect("the query answers one text");
    row.text
}

pub(crate) async fn execute(connection: &mut database::Connection, sql: &str) {
    diesel::sql_query(sql).execute(connection).await.expect("the statement is valid");
}

/// The answer of a `SELECT count(*) …`.
pub(crate) async fn count(connection: &mut database::Connection, sql: &str) -> i64 {
    let row: Count = diesel::sql_query(sql).get_result(connection).await.expect("the count query is valid");
    row.count
}

/// Waits until the count query answers `expected`.
pub(crate) async fn wait_for_count(connection: &mut database::Connection, sql: &str, expected: i64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let seen = count(connection, sql).await;
        if seen == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{sql}: expected {expected}, still {seen}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the condition holds.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    testing::wait_until(what, Duration::from_secs(60), async || condition()).await;
}
