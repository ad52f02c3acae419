//! Jobs of a stock fang 0.11 application: its types, its own queue on the other side.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use chrono::{TimeDelta, Utc};
use fang::{
    AsyncQueue, AsyncQueueable, AsyncRunnable, FangError, Scheduled, async_trait,
    serde::{Deserialize, Serialize},
};
use sides_queue::{FangQueue, Registry, RunnerConfig};
use testing::TestDatabase;

use crate::fixture::{Running, config, count, execute, start, text, wait_for_count, wait_until};

/// fang's handlers have no room for state: what they did is noted here, by test.
static DID: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

fn did(test: &str) -> Vec<String> {
    DID.lock().unwrap().get(test).cloned().unwrap_or_default()
}

fn note(test: &str, what: &str) {
    DID.lock().unwrap().entry(test.to_owned()).or_default().push(what.to_owned());
}

#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct Greet {
    test: String,
    name: String,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for Greet {
    async fn run(&self, queue: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.test, &format!("greet {}", self.name));
        if self.name == "many" {
            for name in ["ann", "bob"] {
                queue.insert_task(&Greet { test: self.test.clone(), name: name.to_owned() }).await?;
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct Fail {
    test: String,
    how: String,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for Fail {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.test, "failed");
        assert!(self.how != "panic", "out of cheese");
        Err(FangError { description: "no luck".to_owned() })
    }

    fn max_retries(&self) -> i32 {
        2
    }

    fn backoff(&self, attempt: u32) -> u32 {
        attempt / 100
    }

    fn task_type(&self) -> String {
        "failures".to_owned()
    }
}

/// Fails each time, every second.
#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct Tick {
    test: String,
    uniq: bool,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for Tick {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.test, "tick");
        Err(FangError { description: "not today".to_owned() })
    }

    fn cron(&self) -> Option<Scheduled> {
        Some(Scheduled::CronPattern("* * * * * * *".to_owned()))
    }

    fn uniq(&self) -> bool {
        self.uniq
    }

    fn max_retries(&self) -> i32 {
        1
    }

    fn backoff(&self, _: u32) -> u32 {
        0
    }
}

/// Not due while a test runs, on whichever second it starts.
#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct InAnHour {
    test: String,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for InAnHour {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        note(&self.test, "ran an hour early");
        Ok(())
    }

    fn cron(&self) -> Option<Scheduled> {
        Some(Scheduled::ScheduleOnce(Utc::now() + TimeDelta::hours(1)))
    }
}

async fn stock(database: &TestDatabase) -> AsyncQueue {
    let address = database.url().expose();
    let mark = if address.contains('?') { '&' } else { '?' };
    let uri = format!("{address}{mark}options=-c%20search_path%3Dsides,public");
    let mut queue = AsyncQueue::builder().uri(uri).max_pool_size(4_u32).build();
    queue.connect().await.unwrap();
    queue
}

fn run(database: &TestDatabase) -> Running {
    let registry = Registry::new(()).handle_fang(database.pool());
    start(database, registry, RunnerConfig { poll: std::time::Duration::from_millis(50), ..config() })
}

const DONE: &str = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";

#[test]
fn every_linked_type_is_known() {
    assert_eq!(sides_queue::fang_kinds(), ["Fail", "Greet", "InAnHour", "Tick"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_a_stock_application_enqueued_run_here_and_enqueue_through_the_queue_they_get() {
    let test = "stock";
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let stock = stock(&database).await;
    let task = stock.insert_task(&Greet { test: test.to_owned(), name: "many".to_owned() }).await.unwrap();
    assert_eq!(stock.find_task_by_id(&task.id).await.unwrap().task_type, "common");
    let running = run(&database);
    wait_for_count(&mut c, DONE, 3).await;
    running.stop().await;
    let mut all = did(test);
    all.sort();
    assert_eq!(all, ["greet ann", "greet bob", "greet many"]);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_retried_as_often_as_it_says_itself() {
    for (how, error) in [("error", "no luck"), ("panic", "panicked: out of cheese")] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        let job = Fail { test: how.to_owned(), how: how.to_owned() };
        stock(&database).await.insert_task(&job).await.unwrap();
        let running = run(&database);
        wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'failed'", 1).await;
        running.stop().await;
        // Two retries: three attempts.
        assert_eq!(did(how).len(), 3);
        let standing = "SELECT retries || ' ' || error_message || ' ' || task_type FROM sides.fang_tasks";
        assert_eq!(text(&mut c, standing).await, format!("3 {error} failures"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_periodic_job_that_fails_has_one_chain_and_a_dead_runner_does_not_end_it() {
    for (test, uniq) in [("tick", false), ("unique tick", true)] {
        let database = TestDatabase::create().await;
        let mut c = database.connect().await;
        stock(&database).await.schedule_task(&Tick { test: test.to_owned(), uniq }).await.unwrap();
        let running = run(&database);
        wait_until("it ran several times", || did(test).len() >= 5).await;
        running.kill().await;
        execute(&mut c, "UPDATE sides.runners SET lease_until = now()").await;
        let before = did(test).len();
        let running = run(&database);
        wait_until("it goes on", || did(test).len() >= before + 3).await;
        running.stop().await;
        let waiting = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new'";
        assert_eq!(count(&mut c, waiting).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_jobs_one_waits_even_when_many_enqueue_at_once() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let (stock, ours) = (stock(&database).await, FangQueue::new(database.pool()));
    let job = || Tick { test: "uniq".to_owned(), uniq: true };
    let all =
        futures_util::future::join_all((0..8).map(|_| async { ours.insert_task(&job()).await.unwrap() }));
    let ids: std::collections::BTreeSet<_> = all.await.into_iter().map(|task| task.id).collect();
    assert_eq!(ids.len(), 1);
    let theirs = stock.insert_task(&job()).await.unwrap();
    assert!(ids.contains(&theirs.id), "a stock fang finds it by its own digest");
    assert_eq!(stock.remove_task_by_metadata(&job()).await.unwrap(), 1);
    let theirs = stock.insert_task(&job()).await.unwrap();
    assert_eq!(ours.insert_task(&job()).await.unwrap(), theirs);
    assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_finds_and_removes_what_is_fangs_and_leaves_claiming_to_the_runner() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let ours = FangQueue::new(database.pool());
    let greet = Greet { test: "remove".to_owned(), name: "x".to_owned() };
    let first = ours.insert_task(&greet).await.unwrap();
    assert_eq!(ours.find_task_by_id(&first.id).await.unwrap(), first);
    ours.schedule_task(&InAnHour { test: "remove".to_owned() }).await.unwrap();
    ours.insert_task(&Fail { test: "remove".to_owned(), how: String::new() }).await.unwrap();
    sides_queue::enqueue(&mut c, &crate::fixture::Note { number: 1 }).await.unwrap();
    assert_eq!(ours.remove_tasks_type("failures").await.unwrap(), 1);
    assert_eq!(ours.remove_all_scheduled_tasks().await.unwrap(), 1);
    assert_eq!(ours.remove_task(&first.id).await.unwrap(), 1);
    ours.remove_task(&first.id).await.unwrap_err();
    ours.find_task_by_id(&first.id).await.unwrap_err();
    assert_eq!(ours.remove_all_tasks().await.unwrap(), 0);
    assert_eq!(text(&mut c, "SELECT kind FROM sides.fang_tasks").await, "note");
    let removed = "SELECT count(*) FROM sides.job_history WHERE outcome = 'cancelled'";
    assert_eq!(count(&mut c, removed).await, 3);
    let nul = Greet { test: "remove".to_owned(), name: "\0".to_owned() };
    let refused = ours.insert_task(&nul).await.unwrap_err().to_string();
    assert!(refused.contains("`name` holds the character U+0000"), "{refused}");
    let refused = ours.fetch_and_touch_task(None).await.unwrap_err().to_string();
    assert!(refused.contains("start a queue::Runner"), "{refused}");
}
