//! What a receipt counts, and that it can be read when everything else has gone.

use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    release_faults::until_stage,
    releasing::{ended, released, run},
    rows,
    sandbox::PATIENCE,
    toy,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_request_is_in_the_receipt_and_the_receipt_outlives_the_host() {
    let database = TestDatabase::create().await;
    let (sandbox, mut host) = released(&database).await;
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "120"]));
    until_stage(&sandbox, "watch", "begun").await;
    toy::ask(&sandbox, "drop", "two");
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    ended(&run(&sandbox, &["stop"]).await, 0);
    host.ended().await;

    let said = ended(&run(&sandbox, &["receipt"]).await, 0);
    for part in [
        "Receipt 2, started",
        "Undone",
        "1 failed",
        "1 × the connection ended without an answer",
        "put web back",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let first = ended(&run(&sandbox, &["receipt", "1"]).await, 0);
    assert!(first.contains("Released") && first.contains("replaced worker: new"), "{first}");
    let list = ended(&run(&sandbox, &["receipts"]).await, 0);
    assert!(list.contains("NUMBER") && list.contains("undone") && list.contains("1 failed"), "{list}");
    let all = run(&sandbox, &["receipts", "--json"]).await;
    let all: Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(all[0]["receipt"]["requests"]["failed"], 1, "{all}");
    let none = ended(&run(&sandbox, &["receipt", "77"]).await, 1);
    assert!(
        none.contains("there is no receipt 77") && none.contains("`sides receipts` lists them"),
        "{none}"
    );
}

/// What a worker, a clock, a careless hand and two sessions do while a release goes on.
const BEFORE: &str = "
    CREATE TABLE fought_over (id int);
    INSERT INTO sides.schedules (name, expression, zone, kind, next_due_at)
        VALUES ('toy', 'every 1 s', 'UTC', 'greet', now());
    INSERT INTO sides.fang_tasks (id, metadata, scheduled_at)
        SELECT md5(name)::uuid, '{\"type\": \"greet\"}', now() + interval '1 week'
        FROM unnest(ARRAY['goes on', 'is deleted', 'is given back']) AS name;
    UPDATE sides.fang_tasks SET state = 'in_progress', owner = md5('a worker')::uuid, attempt = 1
        WHERE id = md5('is given back')::uuid";
const MEANWHILE: &str = "
    DELETE FROM sides.fang_tasks WHERE id = md5('is deleted')::uuid;
    UPDATE sides.fang_tasks SET state = 'new', owner = NULL, attempt = 0 WHERE id = md5('is given back')::uuid;
    INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, created_at, scheduled_at, duration_us)
        VALUES (gen_random_uuid(), 'greet', 'common', 'finished', 1, now(), now(), 5);
    INSERT INTO sides.job_attempts (job_id, attempt, outcome)
        SELECT gen_random_uuid(), 1, outcome FROM unnest(ARRAY['retried', 'lost', 'lost', 'released', 'released']) AS outcome;
    INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, started_at, manifest)
        VALUES (gen_random_uuid(), 'timer', 'abc', 'db2', 1, '127.0.0.1:1', 'stopped', now(), '{\"fires\": true}');
    INSERT INTO sides.fang_tasks (metadata, enqueued_by) VALUES ('{\"type\": \"greet\"}', 'timer abc')";

#[tokio::test(flavor = "multi_thread")]
async fn jobs_ticks_and_waits_for_locks_are_counted() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let url = database.url();
    rows::execute(url, BEFORE).await;
    toy::write_program(&sandbox, "worker", &toy::program("two"));
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "12"]));
    until_stage(&sandbox, "watch", "begun").await;

    let mut holder = database::client(&url.with_application_name("a holder")).await.unwrap();
    let holding = holder.transaction().await.unwrap();
    holding.batch_execute("LOCK TABLE fought_over").await.unwrap();
    let waiter = database::client(&url.with_application_name("a waiter")).await.unwrap();
    let waits = tokio::spawn(async move { waiter.batch_execute("TABLE fought_over").await });
    let is_long = "pg_locks WHERE NOT granted AND relation = 'fought_over'::regclass \
                   AND waitstart < now() - interval '1.5 s'";
    wait_until("somebody has waited", PATIENCE, async || rows::count(url, is_long).await > 0).await;
    holding.commit().await.unwrap();
    waits.await.unwrap().unwrap();
    rows::execute(url, MEANWHILE).await;
    assert!(release.ended().await.success(), "{}", release.said());

    let query = "SELECT receipt::text AS word FROM sides.releases ORDER BY id DESC LIMIT 1";
    let receipt: Value = serde_json::from_str(&rows::word(url, query).await.unwrap()).unwrap();
    let jobs = &receipt["jobs"];
    let counted =
        ["waiting_before", "enqueued", "run", "retried", "rescued", "given_back", "lost", "waiting_after"]
            .map(|what| jobs[what].as_i64().unwrap());
    assert_eq!(counted, [3, 2, 1, 1, 2, 3, 1, 3], "{receipt}");
    let ticks = &receipt["ticks"];
    assert!(ticks["due"].as_u64().unwrap() >= 10, "{receipt}");
    assert_eq!(
        (&ticks["fired"], &ticks["missed"], &ticks["doubled"]),
        (&0.into(), &ticks["due"], &1.into()),
        "{receipt}"
    );
    let block = &receipt["longest_block"];
    assert!(block["seconds"].as_f64().unwrap() > 1.0, "{receipt}");
    assert_eq!(
        (&block["who"], &block["behind"], &block["table"]),
        (&"a waiter".into(), &"a holder".into(), &"fought_over".into())
    );
}
