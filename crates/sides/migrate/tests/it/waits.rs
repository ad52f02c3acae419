//! Nobody waits long for a change, whatever the change itself waits for or works at.

use std::time::{Duration, Instant};

use sides_migrate::{Event, MigrateError, Migration, Options};
use testing::{TestDatabase, wait_until};
use tokio::task::JoinHandle;

use crate::lane::{Heard, ask, client, lane, up};

const SECONDS: Duration = Duration::from_secs(60);
/// What others may take at most, as they see it themselves: 250 ms of waiting, and what a busy machine adds to it. Who
/// waits to the end waits for seconds.
const LIMIT: Duration = Duration::from_secs(1);
const TABLES: &str = "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1);
                      CREATE TABLE settings (k text PRIMARY KEY, v int); INSERT INTO settings VALUES ('y', 1)";

fn patient() -> Options {
    Options { pause: Duration::from_millis(20), tries: 1000, ..Options::default() }
}

/// Runs the second migration while `holds` is held open, with a session that does `other` over and over. When it was
/// tried three times, `holds` is let go. The longest that `other` took.
async fn beside(holds: &str, change: &str, other: &'static str) -> (Duration, TestDatabase) {
    let database = TestDatabase::empty().await;
    let all = lane(&[(TABLES, ""), (change, "")]);
    up(&database, &all[..1]).await.unwrap();
    let mut holder = client(&database).await;
    let held = holder.transaction().await.unwrap();
    held.batch_execute(holds).await.unwrap();

    let (url, heard) = (database.url().clone(), Heard::default());
    let mut listener = heard.listener();
    let runner =
        tokio::spawn(async move { sides_migrate::apply(&url, &all, &patient(), &mut listener).await });
    let session = client(&database).await;
    let mut longest = Duration::ZERO;
    wait_until("it was tried three times", SECONDS, async || {
        let begun = Instant::now();
        session.batch_execute(other).await.unwrap();
        longest = longest.max(begun.elapsed());
        heard.count(|event| matches!(event, Event::Retries { .. })) >= 3
    })
    .await;
    held.rollback().await.unwrap();
    assert_eq!(runner.await.unwrap().unwrap(), ["2_m"]);
    (longest, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_lock_no_statement_is_patient() {
    let add = "ALTER TABLE orders ADD COLUMN a int;";
    let row = "INSERT INTO settings VALUES ('x', 2)";
    let read = "SELECT * FROM orders";
    for (holds, change, other) in [
        (row, "INSERT INTO settings VALUES ('x', 1) ON CONFLICT (k) DO NOTHING", read),
        ("UPDATE settings SET v = 2", "UPDATE settings SET v = 3 WHERE k = 'y'", read),
        ("UPDATE settings SET v = 2", "DELETE FROM settings", read),
        ("UPDATE settings SET v = 2", "SELECT * FROM settings FOR UPDATE", read),
        ("UPDATE settings SET v = 2", "DO $$ BEGIN UPDATE settings SET v = 3; END $$", read),
        ("SELECT pg_advisory_xact_lock(7)", "SELECT pg_advisory_xact_lock(7)", read),
        ("SELECT * FROM settings", "DROP TABLE settings", read),
    ] {
        let (longest, database) = beside(holds, &format!("{add} {change}"), other).await;
        assert!(longest < LIMIT, "{change}: a reader waited {longest:?}");
        assert_eq!(ask(&client(&database).await, "SELECT count(a) FROM orders").await, "0");
    }
}

/// One who waits for a row has others wait for those that it has changed.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_changed_count_as_locks() {
    for change in [
        "UPDATE orders SET id = 2; UPDATE settings SET v = 3",
        "INSERT INTO settings VALUES ('z', 1); DELETE FROM orders; UPDATE settings SET v = 3 WHERE k = 'y'",
    ] {
        let write = "BEGIN; UPDATE orders SET id = id; INSERT INTO settings VALUES ('z', 5) ON CONFLICT DO NOTHING; ROLLBACK";
        let (longest, _) = beside("UPDATE settings SET v = 2", change, write).await;
        assert!(longest < LIMIT, "{change}: a writer waited {longest:?}");
    }
}

/// A reader that comes all the time, until it is told to stop.
fn reads(database: &TestDatabase) -> JoinHandle<Duration> {
    let url = database.url().clone();
    tokio::spawn(async move {
        let session = database::client(&url).await.unwrap();
        let mut longest = Duration::ZERO;
        while session.batch_execute("SELECT FROM gone").await.is_err() {
            let begun = Instant::now();
            session.batch_execute("SELECT * FROM orders").await.unwrap();
            longest = longest.max(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        longest
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn work_behind_a_lock_is_given_up_when_others_wait_for_it() {
    let database = TestDatabase::empty().await;
    let change = "ALTER TABLE orders ADD COLUMN a int; SELECT pg_sleep(2)";
    let all = lane(&[(TABLES, ""), (change, "")]);
    up(&database, &all[..1]).await.unwrap();
    let longest = reads(&database);
    let refused = sides_migrate::apply(database.url(), &all, &patient(), &mut |_| {}).await.unwrap_err();
    let eye = client(&database).await;
    eye.batch_execute("CREATE TABLE gone ()").await.unwrap();
    let longest = longest.await.unwrap();
    assert!(longest < LIMIT, "a reader waited {longest:?}");
    assert!(matches!(refused, MigrateError::HoldsUp { tries: 5, .. }), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("up.sql line 1: `SELECT pg_sleep(2)`: abandoned 5 times"), "{said}");
    assert!(said.contains("nothing of this migration was applied") && said.contains("accept = "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_waits_for_or_that_is_accepted_goes_on() {
    let change = "ALTER TABLE orders ADD COLUMN a int; SELECT pg_sleep(0.6)";
    let all = lane(&[(TABLES, ""), (change, "")]);
    let alone = TestDatabase::empty().await;
    assert_eq!(sides_migrate::apply(alone.url(), &all, &patient(), &mut |_| {}).await.unwrap().len(), 2);

    let database = TestDatabase::empty().await;
    up(&database, &all[..1]).await.unwrap();
    let accepted = Migration::new("2_m", change, "").with_metadata("accept = \"at night\"").unwrap();
    let longest = reads(&database);
    let all = [all[0].clone(), accepted];
    let applied = sides_migrate::apply(database.url(), &all, &patient(), &mut |_| {}).await.unwrap();
    client(&database).await.batch_execute("CREATE TABLE gone ()").await.unwrap();
    assert_eq!(applied, ["2_m"]);
    let longest = longest.await.unwrap();
    assert!(longest > Duration::from_millis(400), "accepted is accepted: {longest:?}");
}
