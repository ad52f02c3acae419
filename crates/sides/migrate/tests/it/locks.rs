//! One runner at a time, and nobody queues behind it.

use std::time::{Duration, Instant};

use sides_migrate::{Event, MigrateError, Options};
use testing::{TestDatabase, wait_until};

use crate::lane::{Heard, ask, client, hasty, lane, up};

const SECONDS: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn ten_runners_apply_each_migration_once() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        ("CREATE TABLE a (n int); INSERT INTO a VALUES (1)", ""),
        ("CREATE INDEX CONCURRENTLY i ON a (n)", ""),
        ("INSERT INTO a VALUES (2)", ""),
    ]);
    let runners: Vec<_> = (0..10)
        .map(|_| {
            let (url, all) = (database.url().clone(), all.clone());
            tokio::spawn(async move {
                sides_migrate::apply(&url, &all, &hasty(), &mut |_| {}).await.unwrap().len()
            })
        })
        .collect();
    let mut applied = 0;
    for runner in runners {
        applied += tokio::time::timeout(SECONDS, runner).await.unwrap().unwrap();
    }
    assert_eq!(applied, 3);
    assert_eq!(ask(&client(&database).await, "SELECT count(*) FROM a").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_runner_waits_or_leaves_as_told() {
    let database = TestDatabase::empty().await;
    let slow = lane(&[("SELECT pg_advisory_lock(7)", "")]);
    let gate = client(&database).await;
    gate.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();

    let (url, all) = (database.url().clone(), slow.clone());
    let first =
        tokio::spawn(async move { sides_migrate::apply(&url, &all, &Options::default(), &mut |_| {}).await });
    wait_until("the first is at work", SECONDS, async || {
        ask(&gate, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").await == "1"
    })
    .await;

    let leaves = Options { wait: false, ..Options::default() };
    let busy = sides_migrate::apply(database.url(), &slow, &leaves, &mut |_| {}).await.unwrap_err();
    assert!(matches!(&busy, MigrateError::Busy { holder } if holder.starts_with("pid ")), "{busy}");

    let (url, all, heard) = (database.url().clone(), slow.clone(), Heard::default());
    let mut listener = heard.listener();
    let second =
        tokio::spawn(
            async move { sides_migrate::apply(&url, &all, &Options::default(), &mut listener).await },
        );
    wait_until("the second waits", SECONDS, async || {
        heard.count(|event| matches!(event, Event::Waiting { .. })) == 1
    })
    .await;
    gate.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    assert_eq!(first.await.unwrap().unwrap(), ["1_m"]);
    assert!(second.await.unwrap().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runner_leaves_no_lock() {
    let database = TestDatabase::empty().await;
    let gate = client(&database).await;
    gate.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let (url, all) = (database.url().clone(), lane(&[("SELECT pg_advisory_lock(7)", "")]));
    let first = tokio::spawn(async move { sides_migrate::apply(&url, &all, &hasty(), &mut |_| {}).await });
    let working =
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'migrate'
                   AND wait_event = 'advisory'";
    wait_until("it works", SECONDS, async || ask(&gate, working).await != "NULL").await;
    ask(&gate, &format!("pg_terminate_backend(({working}))")).await;
    let error = first.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("terminating connection due to administrator command"), "{error}");
    assert_eq!(up(&database, &lane(&[("CREATE TABLE a ()", "")])).await.unwrap(), ["1_m"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_queue_behind_a_change_that_waits() {
    let database = TestDatabase::empty().await;
    let table = lane(&[("CREATE TABLE busy (n int)", "")]);
    up(&database, &table).await.unwrap();
    let mut long = client(&database).await;
    let reads = long.transaction().await.unwrap();
    reads.batch_execute("SELECT * FROM busy").await.unwrap();

    let all = lane(&[
        ("CREATE TABLE busy (n int)", ""),
        ("CREATE TABLE aside (); ALTER TABLE busy ADD COLUMN m int", ""),
    ]);
    let (url, heard) = (database.url().clone(), Heard::default());
    let mut listener = heard.listener();
    let patient = Options { tries: 1000, ..hasty() };
    let change = tokio::spawn(async move { sides_migrate::apply(&url, &all, &patient, &mut listener).await });

    let reader = client(&database).await;
    let mut longest = Duration::ZERO;
    wait_until("it was tried several times", SECONDS, async || {
        let begun = Instant::now();
        reader.batch_execute("SELECT * FROM busy").await.unwrap();
        longest = longest.max(begun.elapsed());
        heard.count(|event| matches!(event, Event::Retries { blockers, .. } if !blockers.is_empty())) >= 3
    })
    .await;
    assert!(longest < Duration::from_secs(1), "a reader waited {longest:?}");
    // What the migration did before the wait is not held meanwhile.
    assert_eq!(ask(&reader, "to_regclass('aside')").await, "NULL");

    reads.rollback().await.unwrap();
    assert_eq!(change.await.unwrap().unwrap(), ["2_m"]);
    let row = ask(
        &reader,
        "SELECT format('%s %s %s', retries > 0, lock_mode, lock_relation) FROM sides_migrate.steps
                            WHERE version = '2' AND step = 2",
    )
    .await;
    assert_eq!(row, "t AccessExclusive busy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_never_comes_is_given_up_naming_its_holder() {
    let database = TestDatabase::empty().await;
    up(&database, &lane(&[("CREATE TABLE busy ()", "")])).await.unwrap();
    let mut long = client(&database).await;
    let holder = long.transaction().await.unwrap();
    holder
        .batch_execute("SET LOCAL application_name = 'a long report'; LOCK TABLE busy IN ACCESS SHARE MODE")
        .await
        .unwrap();
    let all = lane(&[("CREATE TABLE busy ()", ""), ("DROP TABLE busy", "")]);
    let error = up(&database, &all).await.unwrap_err();
    assert!(matches!(error, MigrateError::Locked { tries: 5, .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("`DROP TABLE busy`: no lock in 5 tries of 50 ms"), "{said}");
    assert!(
        said.contains("a long report") && said.contains("nothing of this migration was applied"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_transaction_is_named_without_its_values_and_nobody_queues_for_it() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        ("CREATE TABLE busy (a text); CREATE TABLE free ()", ""),
        ("DROP TABLE free", ""),
        ("DROP TABLE busy", ""),
    ]);
    up(&database, &all[..1]).await.unwrap();
    let mut long = client(&database).await;
    let holder = long.transaction().await.unwrap();
    holder
        .batch_execute("SET LOCAL application_name = 'a long report'; SELECT * FROM busy WHERE a = 'hunter2'")
        .await
        .unwrap();
    let (url, heard) = (database.url().clone(), Heard::default());
    let mut listener = heard.listener();
    let patient = Options { tries: 1000, old: Duration::ZERO, ..hasty() };
    let change = tokio::spawn(async move { sides_migrate::apply(&url, &all, &patient, &mut listener).await });
    wait_until("it is named", SECONDS, async || {
        heard.count(|event| matches!(event, Event::InTheWay { .. })) > 0
    })
    .await;
    let named = heard.all().into_iter().find_map(|event| match event {
        Event::InTheWay { migration, sessions } => Some((migration, sessions.join(" "))),
        _ => None,
    });
    let (migration, sessions) = named.unwrap();
    assert_eq!(migration, "3_m", "what does not need the lock does not wait");
    assert!(
        sessions.contains("a long report") && sessions.contains("SELECT * FROM busy WHERE a = …"),
        "{sessions}"
    );
    assert!(!sessions.contains("hunter2") && sessions.starts_with("pid "), "{sessions}");
    assert_eq!(
        heard.count(|event| matches!(event, Event::Retries { .. })),
        0,
        "no try while it is known to fail"
    );
    holder.rollback().await.unwrap();
    assert_eq!(change.await.unwrap().unwrap(), ["2_m", "3_m"]);
    let eye = client(&database).await;
    let waited = "SELECT bool_and(waited_ms > 0) FROM sides_migrate.steps WHERE version = '3'";
    assert_eq!(ask(&eye, waited).await, "true");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_locks_conflict_here_as_they_do_in_postgres() {
    use sides_migrate::class::Lock;
    let database = TestDatabase::empty().await;
    let (mut one, mut other) = (client(&database).await, client(&database).await);
    one.batch_execute("CREATE TABLE t ()").await.unwrap();
    let modes = [
        "ACCESS SHARE",
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE",
        "SHARE ROW EXCLUSIVE",
        "EXCLUSIVE",
        "ACCESS EXCLUSIVE",
    ];
    let parsed = |mode: &str| {
        let words: Vec<_> =
            mode.split(' ').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase())).collect();
        Lock::parse(&words.concat()).unwrap()
    };
    for held in modes {
        let holds = one.transaction().await.unwrap();
        holds.batch_execute(&format!("LOCK TABLE t IN {held} MODE")).await.unwrap();
        for wanted in modes {
            let wants = other.transaction().await.unwrap();
            let got = wants.batch_execute(&format!("LOCK TABLE t IN {wanted} MODE NOWAIT")).await.is_ok();
            assert_eq!(parsed(wanted).conflicts_with(parsed(held)), !got, "{wanted} beside {held}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_others_waited_is_kept() {
    let database = TestDatabase::empty().await;
    // It holds its table until the reader has waited a little.
    let waited = "EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = ''relation'' AND relation = ''busy''::regclass
                          AND clock_timestamp() - waitstart > interval ''100 ms'')";
    let held = format!(
        "LOCK TABLE busy; DO 'BEGIN WHILE NOT ({waited}) LOOP PERFORM pg_sleep(0.005); END LOOP; END'"
    );
    let all = lane(&[("CREATE TABLE busy ()", ""), (&held, "")]);
    up(&database, &all[..1]).await.unwrap();
    let url = database.url().clone();
    let patient = Options { longest_block: SECONDS, ..hasty() };
    let change = tokio::spawn(async move { sides_migrate::apply(&url, &all, &patient, &mut |_| {}).await });
    let (reader, eye) = (client(&database).await, client(&database).await);
    let holds = "EXISTS (SELECT FROM pg_locks WHERE granted AND relation = 'busy'::regclass AND mode = 'AccessExclusiveLock')";
    wait_until("the change holds its table", SECONDS, async || ask(&eye, holds).await == "true").await;
    reader.batch_execute("SELECT * FROM busy").await.unwrap();
    change.await.unwrap().unwrap();
    let kept =
        ask(&eye, "SELECT max(others_waited_ms) >= 60 FROM sides_migrate.steps WHERE version = '2'").await;
    assert_eq!(kept, "true");
}
