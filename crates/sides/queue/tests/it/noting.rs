//! What jobs say of themselves: a cursor that outlives a drain, progress, a result that somebody waits for.

use std::time::Duration;

use database::DatabaseUrl;
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sides_queue::{
    Context, Job, JobError, Registry, RunnerConfig, enqueue,
    notes::{self, NoteError, Seen, Waited},
};
use testing::TestDatabase;

use crate::fixture::{config, count, execute, start_with, text, wait_for_count};

const STEPS: i32 = 6;

/// Does its steps, each with its cursor, and halts before the fourth for as long as table `gate` has a row.
#[derive(Serialize, Deserialize)]
struct Walk {}

impl Job for Walk {
    const KIND: &'static str = "walk";
}

async fn walk(_: Walk, context: Context<DatabaseUrl>) -> Result<(), JobError> {
    let mut c = database::connect(&context.state).await?;
    let mut done: i32 = notes::cursor(&mut c, context.job_id).await?.unwrap_or(0);
    while done < STEPS {
        while done == 3 && count(&mut c, "SELECT count(*) FROM gate").await > 0 {
            if context.is_cancelled() {
                return Err(JobError::retry("to be continued"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let step = c.transaction::<_, JobError, _>(async |c| {
            diesel::sql_query(format!("INSERT INTO steps VALUES ({done})")).execute(c).await?;
            notes::save_cursor(c, &context, &(done + 1)).await?;
            Ok(())
        });
        step.await?;
        done += 1;
        notes::set_progress(&mut c, &context, done as f32 / STEPS as f32, "steps").await?;
    }
    Ok(notes::set_result(&mut c, &context, &json!({ "walked": done })).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_job_goes_on_where_the_drained_worker_stopped_and_its_result_is_waited_for() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    execute(&mut c, "CREATE TABLE steps (step int)").await;
    execute(&mut c, "CREATE TABLE gate AS SELECT true AS closed").await;
    let id = enqueue(&mut c, &Walk {}).await.unwrap();
    let start = || {
        let registry = Registry::new(database.url().clone()).handle::<Walk, _>(walk);
        start_with(
            &database,
            registry,
            RunnerConfig { grace: Duration::from_secs(5), ..config() },
            Duration::ZERO,
        )
    };
    let first = start();
    let half = "SELECT count(*) FROM sides.job_notes WHERE cursor = '3' AND progress > 0.49";
    wait_for_count(&mut c, half, 1).await;
    let seen = notes::wait(&mut c, id, Duration::from_millis(30)).await.unwrap();
    let expected = Seen { progress: Some(0.5), message: Some("steps".to_owned()), result: None };
    assert_eq!(seen, Waited::NotYet(expected));
    first.stop().await;
    execute(&mut c, "DELETE FROM gate").await;
    let second = start();
    let Waited::Over { outcome, result, error } =
        notes::wait(&mut c, id, Duration::from_secs(60)).await.unwrap()
    else {
        panic!("it does not end");
    };
    assert_eq!((outcome.as_str(), result, error), ("finished", Some(json!({ "walked": STEPS })), None));
    second.stop().await;
    let steps = text(&mut c, "SELECT string_agg(step::text, ' ' ORDER BY step) FROM steps").await;
    assert_eq!(steps, "0 1 2 3 4 5", "each once");
    let attempts = "SELECT attempt::bigint AS count FROM sides.job_history";
    assert_eq!(count(&mut c, attempts).await, 1, "a drain costs no attempt");
    // Forgotten with the history.
    execute(&mut c, "UPDATE sides.job_notes SET updated_at = now() - interval '2 days'").await;
    sides_queue::keep_history(&mut c, Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.job_notes").await, 0);
}

/// Loses its lease between its work and its note.
#[derive(Serialize, Deserialize)]
struct Robbed {}

impl Job for Robbed {
    const KIND: &'static str = "robbed";
}

async fn robbed(_: Robbed, context: Context<DatabaseUrl>) -> Result<(), JobError> {
    let mut c = database::connect(&context.state).await?;
    let noted = c.transaction::<_, NoteError, _>(async |c| {
        diesel::sql_query("INSERT INTO steps VALUES (1)").execute(c).await?;
        let mut other = database::connect(&context.state).await.expect("the database is there");
        execute(&mut other, "UPDATE sides.fang_tasks SET lease = lease + 1").await;
        notes::save_cursor(c, &context, &1).await
    });
    let refused = matches!(noted.await, Err(NoteError::LeaseLost));
    execute(&mut c, &format!("INSERT INTO refusals VALUES ({refused})")).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_notes_nothing_and_does_no_step() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    execute(&mut c, "CREATE TABLE steps (step int)").await;
    execute(&mut c, "CREATE TABLE refusals (refused bool)").await;
    enqueue(&mut c, &Robbed {}).await.unwrap();
    let registry = Registry::new(database.url().clone()).handle::<Robbed, _>(robbed);
    let running = start_with(&database, registry, config(), Duration::from_secs(5));
    wait_for_count(&mut c, "SELECT count(*) FROM refusals WHERE refused", 1).await;
    running.stop().await;
    for table in ["steps", "sides.job_notes"] {
        assert_eq!(count(&mut c, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_in_another_language_notes_the_same_under_its_lease() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    execute(&mut c, "SELECT sides.enqueue('walk')").await;
    execute(
        &mut c,
        "CREATE TABLE mine AS SELECT * FROM sides.claim('00000000-0000-0000-0000-000000000001', '{walk}')",
    )
    .await;
    let note = |lease: &str, what: &str| {
        format!(
            "SELECT sides.note('00000000-0000-0000-0000-000000000001', job, {lease}, {what})::text FROM mine"
        )
    };
    assert_eq!(text(&mut c, &note("lease", "cursor => '[1]', progress => 0.25")).await, "true");
    assert_eq!(text(&mut c, &note("lease", "result => '\"done\"'")).await, "true");
    assert_eq!(text(&mut c, &note("lease + 1", "cursor => '[2]'")).await, "false");
    let noted = "SELECT concat_ws(' ', cursor, progress, result) FROM mine, sides.noted(job)";
    assert_eq!(text(&mut c, noted).await, "[1] 0.25 \"done\"");
}
