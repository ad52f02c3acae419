//! A job's life, and how long it is remembered.

use std::time::Duration;

use job::{Backoff, Policy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sides_queue::{
    Context, JobError, JobId, Options, Registry, RunnerConfig, enqueue, enqueue_named, enqueue_with,
};
use testing::TestDatabase;

use crate::fixture::{
    Note, Notes, config, count, execute, note, start, start_at, text, wait_for_count, wait_until,
};

/// Fails the first time.
#[derive(Debug, Serialize, Deserialize)]
struct Second {}

impl job::Job for Second {
    const KIND: &'static str = "second";
    const POLICY: Policy = Policy {
        backoff: Backoff { base: Duration::from_millis(10), ceiling: Duration::from_millis(10) },
        ..Policy::DEFAULT
    };
}

async fn second(_: Second, context: Context<Notes>) -> Result<(), JobError> {
    match context.attempt {
        1 => Err(JobError::retry(format!("traced {:?}", context.trace))),
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_says_who_enqueued_it_and_every_attempt() {
    let database = TestDatabase::create().await;
    let mut c = database::connect(&database.url().with_application_name("web@a1b2")).await.unwrap();
    let options = Options {
        tags: vec!["blue".to_owned()],
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..Options::default()
    };
    let id = enqueue_with(&mut c, &Second {}, &options).await.unwrap();
    let life = sides_queue::life(&mut c, id).await.unwrap().unwrap();
    assert_eq!((life.job.state.as_str(), life.attempts.len()), ("waits", 0));
    let settings = RunnerConfig { release: "c3d4".to_owned(), poll: Duration::from_millis(20), ..config() };
    let running = start(&database, Registry::new(Notes::default()).handle::<Second, _>(second), settings);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.job_history", 1).await;
    running.stop().await;
    let life = sides_queue::life(&mut c, id).await.unwrap().unwrap();
    assert_eq!(life.job.state, "finished");
    assert_eq!(life.job.enqueued_by.as_deref(), Some("web@a1b2"));
    assert_eq!(
        (life.job.tags, life.job.trace),
        (Some(database::Words(options.tags.into_iter().map(Some).collect())), options.trace.clone())
    );
    let seen: Vec<_> =
        life.attempts.iter().map(|a| (a.attempt, a.outcome.as_str(), a.release.as_deref())).collect();
    assert_eq!(seen, [(1, "retried", Some("c3d4")), (2, "finished", Some("c3d4"))]);
    assert_eq!(life.attempts[0].error, Some(format!("traced {:?}", options.trace)));
    assert!(life.attempts.iter().all(|attempt| attempt.duration_us.is_some()));
    assert!(sides_queue::life(&mut c, JobId(uuid::Uuid::nil())).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_kept_by_the_day_and_dropped_by_the_day() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    // Before anybody made partitions nothing is lost.
    let row = "INSERT INTO sides.job_history \
        (id, kind, queue, outcome, attempt, created_at, scheduled_at, duration_us, finished_at) \
        SELECT gen_random_uuid(), 'note', 'default', 'finished', 1, now(), now(), 1, ";
    execute(&mut c, &format!("{row} now()")).await;
    sides_queue::keep_history(&mut c, Duration::from_secs(86_400)).await.unwrap();
    // That day stays where it is; the coming ones have their place.
    execute(&mut c, &format!("{row} now() + interval '1 day'")).await;
    let placed =
        "SELECT count(*) FROM sides.job_history WHERE tableoid <> 'sides.job_history_default'::regclass";
    assert_eq!(count(&mut c, placed).await, 1);
    let days = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'sides.job_history'::regclass";
    let before = count(&mut c, days).await;
    // A day of last year, and a row of last year that no day's partition took.
    execute(
        &mut c,
        "CREATE TABLE sides.job_history_20200101 PARTITION OF sides.job_history \
         FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')",
    )
    .await;
    execute(&mut c, &format!("{row} '2020-01-01 12:00Z'")).await;
    execute(&mut c, &format!("{row} '2019-01-01 12:00Z'")).await;
    assert_eq!(sides_queue::keep_history(&mut c, Duration::from_secs(86_400)).await.unwrap(), 1);
    assert_eq!(count(&mut c, days).await, before);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_history").await, 2);
}

/// A reader in the middle of one table, who then wants the other.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_both_histories_never_waits_in_a_circle() {
    let database = TestDatabase::create().await;
    let mut reader = database.connect().await;
    execute(&mut reader, "BEGIN").await;
    execute(&mut reader, "SELECT FROM sides.job_attempts").await;
    let mut keeper = database.connect().await;
    let keeping = tokio::spawn(async move {
        // It rather gives up than waits for long: again, until the reader is gone.
        while let Err(error) = sides_queue::keep_history(&mut keeper, Duration::from_secs(86_400)).await {
            assert!(error.to_string().contains("lock timeout"), "{error}");
        }
    });
    // It waits for the table that is being read, and holds nothing of the other meanwhile.
    let mut observer = database.connect().await;
    let waits = "SELECT count(*) FROM pg_locks AS wanted \
        WHERE NOT granted AND relation = 'sides.job_attempts_default'::regclass AND NOT EXISTS ( \
            SELECT FROM pg_locks AS held WHERE held.pid = wanted.pid AND held.granted \
                AND held.mode = 'AccessExclusiveLock' AND held.relation = 'sides.job_history_default'::regclass)";
    wait_for_count(&mut observer, waits, 1).await;
    execute(&mut reader, "SELECT FROM sides.job_history").await;
    execute(&mut reader, "COMMIT").await;
    keeping.await.unwrap();
}

/// What an old build cannot read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "shape")]
enum Shape {
    Round,
}

impl job::Job for Shape {
    const KIND: &'static str = "shape";
}

/// The same kind in a later build.
#[derive(Debug, Serialize, Deserialize)]
struct NewShape {
    shape: String,
    corners: u32,
}

impl job::Job for NewShape {
    const KIND: &'static str = "form";
    const VERSION: u16 = 2;
    const ALIASES: &'static [&'static str] = &["shape"];

    fn upcast(_: u16, mut arguments: serde_json::Value) -> serde_json::Value {
        arguments["corners"] = json!(3);
        arguments
    }
}

async fn old(_: Shape, _: Context<Notes>) -> Result<(), JobError> {
    Ok(())
}

async fn new(job: NewShape, context: Context<Notes>) -> Result<(), JobError> {
    context.state.add(job.corners);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_build_cannot_read_waits_for_one_that_can() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let triangle = json!({"shape": "Triangle"});
    let id = enqueue_named(&mut c, "shape", triangle, &Options::default()).await.unwrap();
    let running = start(&database, Registry::new(Notes::default()).handle::<Shape, _>(old), config());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE parked_by = 'dev'", 1).await;
    running.stop().await;
    assert_eq!(count(&mut c, "SELECT attempt::bigint AS count FROM sides.fang_tasks").await, 0);
    let life = sides_queue::life(&mut c, id).await.unwrap().unwrap();
    assert_eq!(life.job.state, "parked");
    assert!(life.job.error.unwrap().starts_with("the arguments do not decode: unknown variant `Triangle`"));
    // The same build again leaves it alone; the next one knows the kind by its former name.
    let notes = Notes::default();
    let again = start(&database, Registry::new(Notes::default()).handle::<Shape, _>(old), config());
    wait_for_count(&mut c, "SELECT count(*) FROM sides.runners", 1).await;
    again.stop().await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE parked_by = 'dev'").await, 1);
    let next = start(&database, Registry::new(notes.clone()).handle::<NewShape, _>(new), config());
    wait_until("it ran", || notes.sorted() == [3]).await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueuing_goes_on_in_a_session_without_a_name() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, &Note { number: 1 }).await.unwrap();
    execute(&mut c, "INSERT INTO sides.fang_tasks (metadata) VALUES ('{\"type\": \"note\", \"number\": 2}')")
        .await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE enqueued_by IS NULL").await, 2);
    let notes = Notes::default();
    let url = database.url().with_application_name("worker@e5f6");
    let running = start_at(url, Registry::new(notes.clone()).handle::<Note, _>(note), config());
    wait_until("both ran", || notes.sorted() == [1, 2]).await;
    running.stop().await;
    assert_eq!(
        text(&mut c, "SELECT string_agg(DISTINCT queue, ',' ORDER BY queue) FROM sides.job_history").await,
        "common,default"
    );
}

/// Nobody has to say so: a runner forgets what was over more than 30 days ago, attempts as well, and nothing before.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_forgets_after_thirty_days() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for (table, at, columns, values) in [
        (
            "job_history",
            "finished_at",
            "id, kind, queue, outcome, attempt, created_at, scheduled_at, duration_us",
            "gen_random_uuid(), 'note', 'default', 'finished', 1, now(), now(), 1",
        ),
        ("job_attempts", "ended_at", "job_id, attempt, outcome", "gen_random_uuid(), 1, 'retried'"),
    ] {
        for days in [29, 32] {
            let sql = format!(
                "INSERT INTO sides.{table} ({columns}, {at}) VALUES ({values}, now() - interval '{days} days')"
            );
            execute(&mut c, &sql).await;
        }
    }
    let running = start(&database, Registry::new(Notes::default()).handle::<Note, _>(note), config());
    for table in ["job_history", "job_attempts"] {
        wait_for_count(&mut c, &format!("SELECT count(*) FROM sides.{table}"), 1).await;
    }
    running.stop().await;
    let left = "SELECT count(*) FROM sides.job_history JOIN sides.job_attempts ON true \
        WHERE finished_at > now() - interval '30 days' AND ended_at > now() - interval '30 days'";
    assert_eq!(count(&mut c, left).await, 1);
    let ever = RunnerConfig { history: None, ..config() };
    let old = "UPDATE sides.job_history SET finished_at = now() - interval '300 days'";
    execute(&mut c, old).await;
    let running = start(&database, Registry::new(Notes::default()).handle::<Note, _>(note), ever);
    wait_for_count(&mut c, "SELECT count(*) FROM sides.runners", 1).await;
    running.stop().await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_history").await, 1);
}
