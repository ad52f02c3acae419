//! A release as it runs: it reads, inserts and enqueues all the time, and works jobs.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use database::DatabaseUrl;
use queue::{Runner, RunnerConfig, RunnerError};
use sides_planner::Manifest;
use testing::wait_until;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};
use tokio_util::sync::CancellationToken;

use super::{contracts, facts::reads, statements};

const DEADLINE: Duration = Duration::from_secs(60);
/// Between two rounds: the queue need not hold thousands of jobs.
const PAUSE: Duration = Duration::from_millis(2);

/// Its jobs outlive it for a while, as those of a busy or a planning program do.
const DUE_MS: u32 = 300;

/// What went wrong, in all programs together.
pub(crate) type Errors = Arc<Mutex<Vec<String>>>;

/// A running program.
pub(crate) struct Program {
    pub(crate) manifest: Manifest,
    rounds: Arc<AtomicU64>,
    drain: CancellationToken,
    asking: JoinHandle<()>,
    working: JoinHandle<Result<(), RunnerError>>,
}

impl Program {
    /// Starts it and waits until it has done everything once.
    pub(crate) async fn start(url: &DatabaseUrl, manifest: &Manifest, errors: &Errors) -> Self {
        let (drain, rounds) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let asking = tokio::spawn(ask_for_ever(
            database::client(url).await.unwrap(),
            manifest.clone(),
            Arc::clone(errors),
            Arc::clone(&rounds),
            drain.clone(),
        ));
        let config =
            RunnerConfig { concurrency: 2, release: manifest.short_name(), ..RunnerConfig::default() };
        let runner = Runner::new(url.clone(), contracts::registry(manifest), config);
        let working = tokio::spawn(runner.run(drain.clone(), DEADLINE));
        let program = Self { manifest: manifest.clone(), rounds, drain, asking, working };
        program.go_on().await;
        program
    }

    /// Waits until it has done everything twice more: once it may have been in the middle.
    pub(crate) async fn go_on(&self) {
        let goal = self.rounds() + 2;
        wait_until("a program goes round", DEADLINE, async || self.rounds() >= goal).await;
    }

    pub(crate) fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> u64 {
        self.drain.cancel();
        let rounds = Arc::clone(&self.rounds);
        self.asking.await.unwrap();
        self.working.await.unwrap().unwrap();
        rounds.load(Ordering::Relaxed)
    }
}

async fn ask_for_ever(
    client: Client,
    manifest: Manifest,
    errors: Errors,
    rounds: Arc<AtomicU64>,
    drain: CancellationToken,
) {
    // As a program does it: prepared once, and used for as long as it lives.
    let mut prepared = Vec::new();
    while !drain.is_cancelled() {
        if let Err(error) = go_round(&client, &manifest, &mut prepared).await {
            errors.lock().unwrap().push(format!("{}: {error}", manifest.short_name()));
        }
        rounds.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn go_round(
    client: &Client,
    manifest: &Manifest,
    prepared: &mut Vec<(Statement, String)>,
) -> Result<(), String> {
    let said = |error: tokio_postgres::Error| format!("{error:?}");
    if prepared.is_empty() {
        for (table, usage) in &manifest.tables {
            for (column, built_for) in &usage.columns {
                let sql = format!("SELECT (SELECT {column} FROM {table} LIMIT 1)");
                prepared.push((client.prepare(&sql).await.map_err(said)?, built_for.clone()));
            }
        }
    }
    for (statement, built_for) in prepared.iter() {
        let row = client.query_one(statement, &[]).await.map_err(said)?;
        if !reads(&row, built_for) {
            return Err(format!("a {} is no {built_for}", statement.columns()[0].type_()));
        }
    }
    for (table, usage) in &manifest.tables {
        if let Some(inserts) = &usage.inserts {
            client.execute(&statements::insert(table, inserts), &[]).await.map_err(said)?;
        }
    }
    for (kind, version) in &manifest.enqueues {
        client.execute(&statements::enqueue(kind, *version, DUE_MS), &[]).await.map_err(said)?;
    }
    Ok(())
}
