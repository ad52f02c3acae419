//! The real program, under its own role, on a migrated database.

use std::{process::Command, time::Duration};

use testing::{Program, TestDatabase, fill_with_odd_rows, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

async fn clock(database: &TestDatabase) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clock"));
    command.env("DATABASE_URL", database.url().expose()).env("OPS_PORT", "0");
    command.env("WATCH_SECONDS", "1").env("WATCH_FAILURES", "2");
    let clock = Program::start(&mut command);
    clock.answers("/readyz", 200, "ready").await;
    clock
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fires_and_watches() {
    let database = TestDatabase::create().await;
    let client = database::client(database.url()).await.unwrap();
    let clock = clock(&database).await;
    let fired = async || {
        let jobs = "SELECT count(*) FROM sides.ticks JOIN sides.fang_tasks ON job_id = id
            WHERE schedule = 'ping_due_services'";
        let jobs: i64 = client.query_one(jobs, &[]).await.unwrap().get(0);
        jobs > 0
    };
    wait_until("a tick has its job", PATIENCE, fired).await;
    let said = "SELECT manifest ->> 'fires' = 'true' FROM sides.instances WHERE process = 'clock'
        AND manifest IS NOT NULL";
    let said = async || client.query_opt(said, &[]).await.unwrap().is_some_and(|row| row.get(0));
    wait_until("it says that it fires", PATIENCE, said).await;
    let loops = clock.get("/livez").await.1;
    assert!(!loops.contains("reconciling"), "nothing here runs the others: {loops}");
    clock.answers("/livez", 200, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_after_what_works_beside_it() {
    let database = TestDatabase::create().await;
    let client = database::client(database.url()).await.unwrap();
    // A worker that was killed a minute ago, and said so to nobody.
    let dead = "INSERT INTO sides.instances
            (id, process, release, host, pid, ops_address, state, heartbeat_at, manifest)
        VALUES (gen_random_uuid(), 'worker', 'dev', 'another', 1, '127.0.0.1:1', 'ready',
            now() - interval '1 minute', '{\"works\": true}')";
    client.batch_execute(dead).await.unwrap();
    let _clock = clock(&database).await;
    let found = "SELECT outcome FROM sides.actions WHERE subject LIKE 'worker%' AND action = 'found down'
        AND outcome <> 'begun'";
    let found = async || client.query_opt(found, &[]).await.unwrap().map(|row| row.get::<_, String>(0));
    wait_until("it is found", PATIENCE, async || found().await.is_some()).await;
    assert_eq!(found().await.unwrap(), "WATCH_WEBHOOK_URL is not set: only this row tells it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_it_fires_the_rest_and_says_what_it_cannot() {
    let database = TestDatabase::create().await;
    let client = database::client(database.url()).await.unwrap();
    fill_with_odd_rows(&mut database.connect().await, "note", "ping_due_services").await;
    let more = r#"
        SET session_replication_role = replica;
        INSERT INTO sides.stored_schedules (name, expression, zone, kind, arguments, missed, overlap, changed_by)
        VALUES ('good', 'every 200 ms', 'Europe/Berlin', 'good_work', '{"a": 1}', 'skip', 'allow', 'me'),
            ('many days', '@daily', 'UTC', 'work', '{}', 'skip', 'allow', 'me'),
            ('days', '0 0 ' || repeat('L,', 50000) || 'L * *', 'UTC', 'work', '{}', 'skip', 'allow', 'me'),
            ('zone', '@daily', repeat('Europe/Berlin', 10000), 'work', '{}', 'skip', 'allow', 'me'),
            ('always', '0 0 * 2 0#5', 'UTC', 'work', '{}', 'latest', 'allow', 'me');
        UPDATE sides.stored_schedules SET since = '-infinity' WHERE name = 'always';
        INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state, manifest)
        SELECT gen_random_uuid(), string_agg(md5(i::text), ''), 'r', 'another', 1, '127.0.0.1:1', 'ready', '{"works": true}'
        FROM generate_series(1, 300) AS i;
        UPDATE sides.instances SET heartbeat_at = now() - interval '1 minute' WHERE host = 'another';
        -- From here on triggers fire again: the clock hears of a wish by one.
        SET session_replication_role = origin"#;
    client.batch_execute(more).await.unwrap();
    let clock = clock(&database).await;
    let fires = async |schedule: &str, kind: &str| {
        let jobs = "SELECT count(*) FROM sides.ticks JOIN sides.fang_tasks ON job_id = id
            WHERE schedule = $1 AND fang_tasks.kind = $2 AND due_at BETWEEN now() - interval '1 minute' AND now()";
        client.query_one(jobs, &[&schedule, &kind]).await.unwrap().get::<_, i64>(0) > 0
    };
    wait_until("the code's schedules fire", PATIENCE, async || {
        fires("ping_due_services", "ping_due_services").await
    })
    .await;
    wait_until("a stored one fires", PATIENCE, async || fires("good", "good_work").await).await;
    let asked = "INSERT INTO sides.schedule_runs (schedule, asked_by) VALUES ('roll_up_pings', 'me')";
    client.batch_execute(asked).await.unwrap();
    wait_until("a wish is heard", PATIENCE, async || fires("roll_up_pings", "roll_up_pings").await).await;
    // One that is lost, among those that never were.
    let found = "SELECT count(*) FROM sides.actions
        WHERE action = 'found down' AND subject LIKE md5('1') || '%' AND length(subject) = 237";
    let found = async || client.query_one(found, &[]).await.unwrap().get::<_, i64>(0) == 1;
    wait_until("what is down is found", PATIENCE, found).await;
    clock.answers("/livez", 200, "").await;
    clock.answers("/readyz", 200, "ready").await;
    let said = clock.output();
    for fault in
        ["many days", "the stored schedule days cannot be kept", "the stored schedule zone cannot be kept"]
    {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    let longest = said.lines().map(str::len).max().unwrap_or_default();
    assert!(longest < 2_000, "a line of {longest} bytes");
}
