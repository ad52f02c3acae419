//! Enqueueing while the database is away: a real Postgres that stops and comes back.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sides_queue::{EnqueueError, Enqueuer, OnOutage, Options, Unique, UniqueUntil};
use testing::{Cable, TestDatabase};

use crate::{
    chaos::place::Server,
    fixture::{Note, count, execute, text},
};

const WAITING: &str = "SELECT count(*) FROM sides.fang_tasks";

#[tokio::test(flavor = "multi_thread")]
async fn an_enqueuer_fails_fast_or_waits_until_the_server_is_back() {
    for how in [Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = Server::start().await;
        let fast = Enqueuer::new(server.url.clone(), OnOutage::Fail);
        let waits = Enqueuer::new(server.url.clone(), OnOutage::Wait(Duration::from_secs(60)));
        let brief = Enqueuer::new(server.url.clone(), OnOutage::Wait(Duration::from_secs(1)));
        for enqueuer in [&fast, &waits, &brief] {
            enqueuer.enqueue(&Note { number: 0 }).await.unwrap();
        }
        server.stop(how).await;
        let begun = Instant::now();
        let error = fast.enqueue(&Note { number: 1 }).await.unwrap_err();
        assert!(matches!(error, EnqueueError::Outage { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let begun = Instant::now();
        let error = brief.enqueue(&Note { number: 2 }).await.unwrap_err();
        let EnqueueError::Outage { waited, .. } = &error else { panic!("{error}") };
        assert!(begun.elapsed() < Duration::from_secs(6) && *waited <= begun.elapsed(), "{error}");
        assert!(error.to_string().contains("no database for"), "{error}");
        let number = Note { number: 3 };
        let (id, ()) = tokio::join!(waits.enqueue(&number), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            server.start_again().await;
        });
        let mut c = database::connect(&server.url).await.unwrap();
        let newest = "SELECT id || metadata::text FROM sides.fang_tasks WHERE metadata ->> 'number' <> '0'";
        assert_eq!(
            text(&mut c, newest).await,
            format!("{}{{\"type\": \"note\", \"number\": 3}}", id.unwrap())
        );
        assert_eq!(count(&mut c, WAITING).await, 4);
        // And fails fast no more.
        fast.enqueue(&Note { number: 4 }).await.unwrap();
    }
}

/// Whatever becomes of the answers: each job is there once.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_commit_was_not_answered_is_not_enqueued_twice() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    // Each commit takes a moment, in which the connection can break.
    execute(&mut c, "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$")
        .await;
    execute(
        &mut c,
        "CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON sides.fang_tasks DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION linger()",
    )
    .await;
    let cable = Cable::to(database.url()).await;
    let enqueuer = Enqueuer::new(cable.url().clone(), OnOutage::Wait(Duration::from_secs(60)));
    let forgotten = Options {
        unique_key: Some("key".to_owned()),
        unique: Unique { until: UniqueUntil::Forgotten, ..Unique::default() },
        ..Options::default()
    };
    let mut ids = Vec::new();
    for number in 0..30_u32 {
        let key = Options { unique_key: Some(format!("key {number}")), ..forgotten.clone() };
        let options = if number % 3 == 0 { key } else { Options::default() };
        let (id, ()) = tokio::join!(
            async { enqueuer.enqueue_with(&Note { number }, &options).await.unwrap() },
            async {
                tokio::time::sleep(Duration::from_millis(u64::from(number) * 3)).await;
                cable.cut();
                // Meanwhile some are done already.
                if number % 2 == 0 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    execute(
                        &mut c,
                        "WITH over AS (DELETE FROM sides.fang_tasks RETURNING *) \
                         INSERT INTO sides.job_history (id, kind, queue, outcome, attempt, created_at, scheduled_at, duration_us, unique_key) \
                         SELECT id, kind, task_type, 'finished', 1, created_at, scheduled_at, 1, unique_key FROM over",
                    )
                    .await;
                }
                cable.mend();
            }
        );
        ids.push(id.to_string());
    }
    let all = "SELECT string_agg(id::text, ' ' ORDER BY id) FROM ( \
        SELECT id FROM sides.fang_tasks UNION ALL SELECT id FROM sides.job_history) AS jobs";
    ids.sort_unstable();
    assert_eq!(text(&mut c, all).await, ids.join(" "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waiting_does_not_mend_is_said_at_once() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let wait = OnOutage::Wait(Duration::from_secs(600));
    let elsewhere = format!("{}_elsewhere", database.url().database());
    let url = database.url().expose().replace(database.url().database(), &elsewhere);
    let error = Enqueuer::new(url.parse().unwrap(), wait).enqueue(&Note { number: 1 }).await.unwrap_err();
    assert!(error.to_string().contains(&format!("database \"{elsewhere}\" does not exist")), "{error}");
    execute(&mut c, "ALTER TABLE sides.fang_tasks ADD CONSTRAINT few CHECK (metadata ->> 'number' <> '2')")
        .await;
    let enqueuer = Enqueuer::new(database.url().clone(), wait);
    let error = enqueuer.enqueue(&Note { number: 2 }).await.unwrap_err();
    assert!(error.to_string().contains("violates check constraint \"few\""), "{error}");
    assert_eq!(database::chain(&error).matches("violates").count(), 1, "{}", database::chain(&error));
    enqueuer.enqueue(&Note { number: 3 }).await.unwrap();
}
