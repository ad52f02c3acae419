//! The real program, under its own role, on a migrated database.

use std::{process::Command, time::Duration};

use testing::{Program, TestDatabase, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

async fn clock(database: &TestDatabase) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clock"));
    command.env("DATABASE_URL", database.url().expose()).env("OPS_PORT", "0");
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
