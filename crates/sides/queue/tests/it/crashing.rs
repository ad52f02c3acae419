//! Runners die, stand still, and lose their lease.

use std::{sync::Arc, time::Duration};

use sides_queue::{Context, JobError, Registry, RunnerConfig, enqueue, enqueue_all};
use testing::{Cable, TestDatabase};
use tokio::sync::Semaphore;

use crate::fixture::{
    Note, Notes, config, count, execute, note, start, start_at, text, wait_for_count, wait_until,
};

/// A handler that waits for permission to end.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) notes: Notes,
    pub(crate) open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        Self { notes: Notes::default(), open: Arc::new(Semaphore::new(0)) }
    }
}

async fn wait_at(job: Note, context: Context<Gate>) -> Result<(), JobError> {
    context.state.notes.add(job.number);
    context.state.open.acquire().await?.forget();
    Ok(())
}

pub(crate) fn gated(gate: &Gate) -> Registry<Gate> {
    Registry::new(gate.clone()).handle::<Note, _>(wait_at)
}

fn short() -> RunnerConfig {
    RunnerConfig {
        lease: Duration::from_secs(1),
        poll: Duration::from_millis(50),
        grace: Duration::from_millis(100),
        ..config()
    }
}

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_dead_runner_are_done_by_another() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue_all(&mut c, &(0..5).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    let gate = Gate::closed();
    let first = start(&database, gated(&gate), short());
    wait_until("all are started", || gate.notes.sorted().len() == 5).await;
    first.kill().await;
    let notes = Notes::default();
    let second = start(&database, Registry::new(notes.clone()).handle::<Note, _>(note), short());
    wait_for_count(&mut c, DONE, 5).await;
    second.stop().await;
    assert_eq!(notes.sorted(), [0, 1, 2, 3, 4]);
    let said = "SELECT string_agg(DISTINCT outcome || ': ' || error, ',') FROM sides.job_attempts";
    assert_eq!(text(&mut c, said).await, "lost: the worker that ran this job died or lost its lease");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_three_runners_died_with_is_given_up() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    for death in 1..=3 {
        let gate = Gate::closed();
        let running = start(&database, gated(&gate), short());
        wait_until("it is started", || gate.notes.sorted().len() == 1).await;
        running.kill().await;
        let again = start(&database, Registry::new(Notes::default()).handle::<Other, _>(other), short());
        let crashes = format!("SELECT count(*) FROM sides.fang_tasks WHERE crashes = {death}");
        wait_for_count(&mut c, &crashes, 1).await;
        again.stop().await;
    }
    let standing = "SELECT state || ': ' || error_message FROM sides.fang_tasks";
    assert_eq!(text(&mut c, standing).await, "failed: three workers died while running this job");
}

/// Known to a runner that shall not claim notes.
#[derive(serde::Serialize, serde::Deserialize)]
struct Other {}

impl job::Job for Other {
    const KIND: &'static str = "other";
}

async fn other(_: Other, _: Context<Notes>) -> Result<(), JobError> {
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_runners_died_with_run_one_at_a_time() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue_all(&mut c, &(0..4).map(|number| Note { number }).collect::<Vec<_>>()).await.unwrap();
    execute(&mut c, "UPDATE sides.fang_tasks SET crashes = 2").await;
    let gate = Gate::closed();
    let running = start(&database, gated(&gate), short());
    for ended in 1..=4 {
        wait_until("the next one starts", || gate.notes.sorted().len() == ended).await;
        // Several more looks at the queue.
        let looks = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'in_progress'";
        assert_eq!(count(&mut c, looks).await, 1);
        gate.open.add_permits(1);
    }
    wait_for_count(&mut c, DONE, 4).await;
    running.stop().await;
}

/// Whatever a job does to its process, the third time it is alone in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_aborts_its_process_costs_that_job_only() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let folder = tempfile::tempdir().unwrap();
    let jobs = "INSERT INTO sides.fang_tasks (metadata) \
        SELECT jsonb_build_object('type', 'chaos', 'number', n, 'millis', 1, 'aborts', n = 3) \
        FROM generate_series(1, 40) AS n";
    execute(&mut c, jobs).await;
    for death in 1..=3 {
        let mut command = std::process::Command::new(testing::example("chaos_worker"));
        command.env("CHAOS_DATABASE_URL", database.url().expose()).env("CHAOS_LEASE_MS", "1000");
        let mut worker = testing::Program::start(command.env("CHAOS_DIARY", folder.path().join("diary")));
        let status = worker.ended().await;
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(6), "death {death}: {}", worker.output());
    }
    let again = start(&database, Registry::new(Notes::default()).handle::<Other, _>(other), short());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'failed'", 1).await;
    again.stop().await;
    let mut command = std::process::Command::new(testing::example("chaos_worker"));
    command.env("CHAOS_DATABASE_URL", database.url().expose()).env("CHAOS_LEASE_MS", "1000");
    let _worker = testing::Program::start(command.env("CHAOS_DIARY", folder.path().join("diary")));
    wait_for_count(&mut c, DONE, 39).await;
    let standing =
        "SELECT (metadata ->> 'number') || ' ' || state || ': ' || error_message FROM sides.fang_tasks";
    assert_eq!(text(&mut c, standing).await, "3 failed: three workers died while running this job");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_was_cut_off_does_not_acknowledge_what_another_has() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Note { number: 7 }).await.unwrap();
    let cable = Cable::to(database.url()).await;
    let gate = Gate::closed();
    let first = start_at(cable.url().clone(), gated(&gate), short());
    wait_until("it is started", || gate.notes.sorted() == [7]).await;
    cable.hold();
    let other = Gate::closed();
    let second = start(&database, gated(&other), short());
    wait_until("it is started elsewhere", || other.notes.sorted() == [7]).await;
    // The first one ends it and is heard of again: its outcome must not count.
    gate.open.add_permits(1);
    cable.mend();
    let renewed = "SELECT count(*) FROM sides.runners WHERE lease_until > now()";
    cable.cut();
    cable.mend();
    wait_for_count(&mut c, renewed, 2).await;
    first.stop().await;
    assert_eq!(count(&mut c, DONE).await, 0);
    assert_eq!(count(&mut c, "SELECT lease::bigint AS count FROM sides.fang_tasks").await, 2);
    other.open.add_permits(1);
    wait_for_count(&mut c, DONE, 1).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_was_lost_is_given_back() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let notes = Notes::default();
    let registry = Registry::new(notes.clone()).handle::<Note, _>(note);
    let running = start(&database, registry, short());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.runners", 1).await;
    // As if this runner had claimed it, and had never heard of it.
    enqueue(&mut c, &Note { number: 3 }).await.unwrap();
    wait_for_count(&mut c, DONE, 1).await;
    let lost = "INSERT INTO sides.fang_tasks (metadata, state, owner, attempt, lease) \
        SELECT '{\"type\": \"note\", \"number\": 4}', 'in_progress', id, 1, 1 FROM sides.runners";
    execute(&mut c, lost).await;
    wait_for_count(&mut c, DONE, 2).await;
    running.stop().await;
    assert_eq!(notes.sorted(), [3, 4]);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'released'").await, 1);
    assert_eq!(count(&mut c, "SELECT max(attempt)::bigint AS count FROM sides.job_history").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_loses_and_doubles_nothing() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let cable = Cable::to(database.url()).await;
    let notes = Notes::default();
    let registry = Registry::new(notes.clone()).handle::<Note, _>(note);
    let running =
        start_at(cable.url().clone(), registry, RunnerConfig { lease: Duration::from_secs(20), ..short() });
    for round in 0..10_u32 {
        let jobs: Vec<Note> = (0..50).map(|number| Note { number: round * 50 + number }).collect();
        enqueue_all(&mut c, &jobs).await.unwrap();
        cable.cut();
        cable.mend();
    }
    wait_for_count(&mut c, DONE, 500).await;
    running.stop().await;
    assert_eq!(notes.sorted(), (0..500).collect::<Vec<_>>());
}
