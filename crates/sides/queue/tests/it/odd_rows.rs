//! Rows that hold what Postgres can hold and nothing here can, among rows that anything can.

use chrono::{DateTime, Utc};
use diesel_async::SimpleAsyncConnection as _;
use sides_queue::{EnqueueError, JobId, Options, Registry, enqueue_all, enqueue_with, life, overview};
use testing::{TestDatabase, fill_with_odd_rows};

use crate::fixture::{Note, Notes, config, count, note, start, text, wait_for_count, wait_until};

fn notes(from: u32, count: u32) -> Vec<Note> {
    (from..from + count).map(|number| Note { number }).collect()
}

/// By the runner's three ways to claim: plain, limited, and one by one after two deaths.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_nothing_can_read_costs_itself_alone() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    fill_with_odd_rows(&mut c, "note", "good").await;
    enqueue_all(&mut c, &notes(1_000_000, 200)).await.unwrap();
    let seen = Notes::default();
    let running = start(&database, Registry::new(seen.clone()).handle::<Note, _>(note), config());
    let have = |from: u32, count: usize| {
        seen.sorted().into_iter().filter(|number| (from..from + 1000).contains(number)).count() == count
    };
    wait_until("all sound jobs have run", || have(1_000_000, 200)).await;
    let parked =
        "SELECT count(*) FROM sides.fang_tasks WHERE parked_by IS NOT NULL AND scheduled_at = '-infinity'";
    wait_for_count(&mut c, parked, 1).await;
    let reason = "SELECT error_message FROM sides.fang_tasks WHERE scheduled_at = '-infinity'";
    assert!(text(&mut c, reason).await.contains("it is due at -infinity"));

    c.batch_execute(
        "SET session_replication_role = replica;
         INSERT INTO sides.job_rules (scope, name, max_running) VALUES ('kind', 'note', 3);
         INSERT INTO sides.fang_tasks (metadata, scheduled_at, crashes)
         SELECT '{\"type\": \"note\", \"number\": 7}', '-infinity', crashes FROM unnest('{0, 2, 32767}'::int[]) AS crashes;
         SET session_replication_role = origin;",
    )
    .await
    .unwrap();
    enqueue_all(&mut c, &notes(2_000_000, 50)).await.unwrap();
    wait_until("all limited jobs have run", || have(2_000_000, 50)).await;
    wait_for_count(&mut c, parked, 4).await;

    // A person has them run after all.
    c.batch_execute(
        "SELECT sides.unpark_jobs(array_agg(id)) FROM sides.fang_tasks WHERE scheduled_at = '-infinity'",
    )
    .await
    .unwrap();
    wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE scheduled_at = '-infinity'", 0).await;
    assert_eq!(
        count(&mut c, "SELECT count(*) FROM sides.job_attempts WHERE outcome = 'lost' AND release = 'test'")
            .await,
        0
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_shows_the_rest() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    fill_with_odd_rows(&mut c, "note", "good").await;
    enqueue_all(&mut c, &notes(1_000_000, 10)).await.unwrap();
    let overview = overview(&mut c).await.unwrap();
    let note = overview.iter().find(|kind| kind.kind == "note").unwrap();
    assert!(note.ready >= 10 && note.oldest_ready_seconds.is_some(), "{note:?}");
    #[derive(diesel::QueryableByName)]
    struct Id {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: uuid::Uuid,
    }
    let all = "SELECT id FROM sides.fang_tasks UNION SELECT id FROM sides.job_history";
    let ids: Vec<Id> = diesel_async::RunQueryDsl::load(diesel::sql_query(all), &mut c).await.unwrap();
    assert!(ids.len() > 100);
    for Id { id } in ids {
        let life = life(&mut c, JobId(id)).await.unwrap().unwrap();
        serde_json::to_string(&life).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_not_enqueued() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let none = Options::default();
    for options in [
        Options { at: Some(DateTime::<Utc>::MIN_UTC), ..none.clone() },
        Options { at: Some(DateTime::<Utc>::MAX_UTC), ..none.clone() },
        Options { queue: Some(String::new()), ..none.clone() },
        Options { unique_key: Some("x".repeat(3_000)), ..none.clone() },
        Options { tags: vec!["a\0".to_owned()], ..none.clone() },
    ] {
        let refused = enqueue_with(&mut c, &Note { number: 1 }, &options).await.unwrap_err();
        assert!(matches!(refused, EnqueueError::Options { .. }), "{refused:?}");
    }
    // In whatever language: a sentence, a hint, one SQLSTATE.
    for (arguments, said) in [
        ("'x', run_at => '-infinity'", "-infinity is no time to run at"),
        ("'x', run_at => 'infinity'", "infinity is no time to run at"),
        ("'x', run_at => '20000-01-01'", "is no time to run at"),
        ("'x', run_at => '0044-03-15 BC'", "is no time to run at"),
        ("'x', tags => ARRAY['a', NULL]", "tags are at most 100 words"),
        ("'x', tags => ARRAY[['a'], ['b']]", "tags are at most 100 words"),
        ("'x', tags => ARRAY['']", "tags are at most 100 words"),
        ("'x', tags => ARRAY[repeat('x', 201)]", "tags are at most 100 words"),
        ("'x', tags => array_fill('a'::text, ARRAY[101])", "tags are at most 100 words"),
        ("'x', priority => 99999", "a priority is -32768 to 32767, not 99999"),
        ("'x', priority => NULL", "not NULL"),
        ("'x', version => 70000", "a version is 1 to 32767, not 70000"),
        ("'x', version => 0", "not 0"),
        ("'x', queue => NULL", "not NULL"),
        ("'x', queue => ''", "a queue''s name is 1 to 200 characters"),
        ("'x', unique_key => ''", "a unique_key is 1 to 1500 bytes, not 0"),
        ("'x', unique_key => repeat('x', 3000)", "not 3000"),
        ("'x', limit_key => ''", "a limit_key"),
        ("'x', trace => ''", "a trace is 1 to 200 characters"),
        ("'x', '{\"a\": [{\"b\": 1e400}]}'", "a number that no reader could take"),
        ("'x', '-1e309'", "a number that no reader could take"),
        ("'x', to_jsonb(repeat('x', 1048576))", "at most 1048576 may be queued"),
        ("'', '{}'", "1 to 200 characters"),
    ] {
        refused(&mut c, &format!("PERFORM sides.enqueue({arguments})"), said).await;
    }
    let job = "gen_random_uuid(), gen_random_uuid(), 1";
    for wait in ["NULL", "'0'", "'-1 s'", "'100 years'"] {
        refused(&mut c, &format!("PERFORM sides.snooze({job}, {wait})"), "is snoozed for a while").await;
    }
    for wait in ["'-1 s'", "'20000 years'"] {
        refused(
            &mut c,
            &format!("PERFORM sides.fail({job}, 'no luck', {wait})"),
            "tried again at once or within",
        )
        .await;
    }
    // Around the function.
    for (columns, values) in [
        ("scheduled_at", "'-infinity'"),
        ("scheduled_at", "'infinity'"),
        ("scheduled_at", "'294276-12-31'"),
        ("tags", "'{a,NULL}'"),
        ("tags", "'{{a},{b}}'"),
    ] {
        let insert = format!(
            "INSERT INTO sides.fang_tasks (metadata, {columns}) VALUES ('{{\"type\": \"note\"}}', {values})"
        );
        refused(&mut c, &insert, "a job has a time within the years 1 to 9999").await;
    }
    refused(
        &mut c,
        "INSERT INTO sides.schedule_runs VALUES ('a', 'infinity', 'me')",
        "has no infinite times",
    )
    .await;
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 0);
    // What other languages can read stays possible.
    for arguments in [
        "'x', '{\"n\": 36893488147419103232, \"b\": 9007199254740993}'",
        "'x', '[1, 2]'",
        "'x', tags => '{}'",
    ] {
        c.batch_execute(&format!("SELECT sides.enqueue({arguments})")).await.unwrap();
    }
}

/// The statement fails with this sentence, a hint where there is something to do, and one SQLSTATE.
async fn refused(c: &mut database::Connection, statement: &str, said: &str) {
    let caught = format!(
        "DO $do$ BEGIN {statement}; RAISE EXCEPTION 'it was taken';
         EXCEPTION WHEN invalid_parameter_value THEN ASSERT sqlerrm LIKE '%{said}%', sqlerrm; END $do$"
    );
    if let Err(error) = c.batch_execute(&caught).await {
        panic!("{statement}: {error}");
    }
}
