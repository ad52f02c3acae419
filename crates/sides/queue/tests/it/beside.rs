//! The queue in somebody else's application: the example of the document, and each way into a transaction.

use std::time::Duration;

use chrono::{TimeZone as _, Utc};
use nix::sys::signal::Signal;
use sides_queue::{
    EnqueueError, Job as _, OnConflict, Options, OptionsFault, Unique, UniqueUntil, enqueue_in,
    enqueue_in_with,
    sql::{self, ENQUEUE},
};
use testing::{Program, TestDatabase, example, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fixture::{Note, count, execute, text};

const PATIENCE: Duration = Duration::from_secs(60);
const WAITING: &str = "SELECT count(*) FROM sides.fang_tasks";

#[test]
fn the_document_shows_the_example_as_it_is() {
    let (readme, example) = (include_str!("../../README.md"), include_str!("../../examples/axum_sqlx.rs"));
    assert!(
        readme.contains(&format!("```rust\n{example}```\n")),
        "README.md has another text of axum_sqlx.rs"
    );
}

/// The example, on this database.
fn start(database: &TestDatabase) -> Program {
    let mut command = std::process::Command::new(example("axum_sqlx"));
    Program::start(command.env("DATABASE_URL", database.url().expose()))
}

async fn sign_up(program: &Program, name: &str) -> String {
    const BEFORE: &str = "listening on ";
    program.says(BEFORE).await;
    let output = program.output();
    let address = output.split(BEFORE).nth(1).unwrap().lines().next().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        format!("POST /people HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}", name.len());
    stream.write_all(format!("{head}\r\n\r\n{name}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_sets_up_its_tables_enqueues_in_its_transaction_and_works() {
    let database = TestDatabase::empty().await;
    // Together, on a database without any table: one sets them up, the other waits.
    let mut both = [start(&database), start(&database)];
    assert_eq!(sign_up(&both[0], "Ada").await, "201");
    assert_eq!(sign_up(&both[1], "Ada").await, "500", "the second row is refused, and its job with it");
    let mut c = database.connect().await;
    let welcomed = "SELECT count(*) FROM people WHERE welcomed";
    wait_until("the job has run", PATIENCE, async || count(&mut c, welcomed).await == 1).await;
    let over = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
    wait_until("it is over", PATIENCE, async || count(&mut c, over).await == 1).await;
    assert_eq!(count(&mut c, WAITING).await, 0);
    for program in &mut both {
        program.signal(Signal::SIGTERM);
        assert!(program.ended().await.success(), "{}", program.output());
    }
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.runners").await, 0, "each has left");
}

#[tokio::test]
async fn tables_are_set_up_once_on_whatever_runtime_and_the_other_runner_takes_over() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let (one, other) = tokio::join!(sides_queue::migrate(url), sides_queue::migrate(url));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.len() + other.len(), sides_queue::migrations().texts().len(), "{one:?} {other:?}");
    assert!(one.is_empty() || other.is_empty(), "the first did all: {one:?} {other:?}");
    assert_eq!(sides_queue::migrate(url).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_migration_says_why_and_the_next_call_continues() {
    let database = TestDatabase::empty().await;
    let mut c = database.connect().await;
    execute(&mut c, "CREATE SCHEMA sides").await;
    execute(&mut c, "CREATE TABLE sides.fang_tasks (mine int)").await;
    let error = sides_queue::migrate(database.url()).await.unwrap_err().to_string();
    assert!(error.contains("already exists"), "{error}");
    execute(&mut c, "DROP SCHEMA IF EXISTS sides CASCADE").await;
    execute(&mut c, "DROP TABLE IF EXISTS __diesel_schema_migrations").await;
    assert!(!sides_queue::migrate(database.url()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_tokio_postgres_takes_its_jobs_along() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let mut client = database::client(database.url()).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    enqueue_in(&transaction, &Note { number: 1 }).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(count(&mut c, WAITING).await, 0);
    let transaction = client.transaction().await.unwrap();
    let id = enqueue_in(&transaction, &Note { number: 2 }).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        text(&mut c, "SELECT id || ' ' || metadata::text FROM sides.fang_tasks").await,
        format!("{id} {{\"type\": \"note\", \"number\": 2}}")
    );
}

/// Every option, so that none is lost on the way.
fn all() -> Options {
    Options {
        at: Some(Utc.with_ymd_and_hms(2030, 1, 2, 3, 4, 5).unwrap()),
        priority: Some(-7),
        queue: Some("mail".to_owned()),
        unique_key: Some("ada".to_owned()),
        unique: Unique { period: Some(Duration::from_secs(3600)), ..Unique::default() },
        limit_key: Some("tenant 1".to_owned()),
        tags: vec!["eu".to_owned(), "it's \"quoted\"".to_owned()],
        trace: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        enqueued_by: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_writes_the_same_row_and_finds_the_job_that_has_the_key() {
    let row = "SELECT concat_ws('|', metadata, version, task_type, priority, scheduled_at, unique_key, unique_waiting, \
        limit_key, tags, trace, kind) FROM sides.fang_tasks";
    let mut rows = Vec::new();
    for way in ["diesel", "tokio-postgres", "sql"] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let mut client = database::client(database.url()).await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let mut ids = Vec::new();
        for number in [1, 2] {
            let job = Note { number };
            ids.push(match way {
                "diesel" => sides_queue::enqueue_with(&mut c, &job, &all()).await.unwrap().0,
                "tokio-postgres" => enqueue_in_with(&transaction, &job, &all()).await.unwrap().0,
                _ => {
                    let job = sql::job_with(&job, &all()).unwrap();
                    transaction.query_one(ENQUEUE, &[&job]).await.unwrap().get(0)
                }
            });
        }
        transaction.commit().await.unwrap();
        assert_eq!(ids[0], ids[1], "{way}");
        assert_eq!(count(&mut c, WAITING).await, 1);
        rows.push(text(&mut c, row).await);
    }
    assert!(rows[0].contains("2030-01-02") && rows[0].contains("tenant 1"), "{}", rows[0]);
    assert_eq!((&rows[0], &rows[0]), (&rows[1], &rows[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_history_remembers_keeps_out_a_second_job_over_tokio_postgres_too() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let unique = Unique { until: UniqueUntil::Forgotten, ..Unique::default() };
    let options = Options { unique_key: Some("once".to_owned()), unique, ..Options::default() };
    let mut client = database::client(database.url()).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let first = enqueue_in_with(&transaction, &Note { number: 1 }, &options).await.unwrap();
    transaction.commit().await.unwrap();
    let registry =
        sides_queue::Registry::new(crate::fixture::Notes::default()).handle::<Note, _>(crate::fixture::note);
    sides_queue::testing::drain(&mut c, &registry).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let again = enqueue_in_with(&transaction, &Note { number: 2 }, &options).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(first, again);
    assert_eq!(count(&mut c, WAITING).await, 0);
}

#[test]
fn what_the_statement_cannot_say_is_refused_rather_than_left_out() {
    let with = |options: Options| sql::job_with(&Note { number: 1 }, &options).unwrap_err();
    let unique = Unique { on_conflict: OnConflict::Replace, ..Unique::default() };
    for (options, named) in [
        (Options { unique, ..Options::default() }, "unique.on_conflict"),
        (
            Options {
                unique: Unique { until: UniqueUntil::Started, ..Unique::default() },
                ..Options::default()
            },
            "unique.until",
        ),
        (Options { enqueued_by: Some("me".to_owned()), ..Options::default() }, "enqueued_by"),
    ] {
        let error = with(options);
        assert!(
            matches!(&error, EnqueueError::Options { kind, fault: OptionsFault::NotInSql(_) } if kind == Note::KIND)
        );
        assert!(error.to_string().contains(named), "{error}");
    }
    let key = with(Options { unique_key: Some(String::new()), ..Options::default() });
    assert!(matches!(key, EnqueueError::Options { fault: OptionsFault::Key(_), .. }), "{key}");
}
