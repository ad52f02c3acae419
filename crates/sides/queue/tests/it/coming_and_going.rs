//! Jobs that come and go, and what is left of them: a claim costs the same, and hides nothing.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use database::Connection;
use diesel_async::SimpleAsyncConnection as _;
use sides_queue::{
    Options, Registry, RunnerConfig, Scope, enqueue, enqueue_all, enqueue_with, pause, resume,
};
use testing::TestDatabase;

use crate::fixture::{Note, Notes, config, count, execute, note, start, wait_for_count, wait_until};

/// Nothing is found by looking through everything again: that is too long away.
fn patient() -> RunnerConfig {
    RunnerConfig { poll: Duration::from_secs(600), ..config() }
}

fn notes(numbers: std::ops::Range<u32>) -> Vec<Note> {
    numbers.map(|number| Note { number }).collect()
}

/// Entries of the index of ready jobs that were walked over so far.
const WALKED: &str =
    "SELECT idx_tup_read AS count FROM pg_stat_user_indexes WHERE indexrelname = 'fang_tasks_in_order'";
const DEAD: &str =
    "SELECT n_dead_tup AS count FROM pg_stat_user_tables WHERE relid = 'sides.fang_tasks'::regclass";

/// Lets jobs pass, a few at a time.
async fn pass(c: &mut Connection, ran: &Notes, numbers: std::ops::Range<u32>, batch: u32) {
    let mut there = ran.in_order().len();
    for number in numbers.step_by(batch as usize) {
        enqueue_all(c, &notes(number..number + batch)).await.unwrap();
        there += batch as usize;
        // Hardly any wait, but the runner always has something to do.
        wait_until("they run", || ran.in_order().len() + batch as usize >= there).await;
    }
    wait_until("all have run", || ran.in_order().len() >= there).await;
}

/// Nobody looks any more: a look through everything would be counted as well.
async fn rest(c: &mut Connection) {
    let (begun, mut before) = (Instant::now(), -1);
    loop {
        let now = count(c, WALKED).await;
        if now == before {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "somebody goes on looking");
        before = now;
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_costs_the_same_after_thousands_under_a_snapshot() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    // Jobs for later, of the same and of other priorities, are not walked over either.
    for priority in [-1, 0, 3] {
        let sql = "INSERT INTO sides.fang_tasks (metadata, priority, scheduled_at) \
                   SELECT '{\"type\": \"note\", \"number\": 0}', $p, now() + interval '1 day' FROM generate_series(1, 20000)";
        execute(&mut c, &sql.replace("$p", &priority.to_string())).await;
    }
    let mut holder = database.connect().await;
    holder
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sides.runners")
        .await
        .unwrap();
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), patient());
    pass(&mut c, &ran, 0..20_000, 100).await;
    rest(&mut c).await;
    wait_for_dead(&mut c, 20_000).await;

    let (before, began) = (count(&mut c, WALKED).await, Instant::now());
    pass(&mut c, &ran, 20_000..21_000, 5).await;
    let took = began.elapsed();
    rest(&mut c).await;
    let walked = count(&mut c, WALKED).await - before;
    println!("{walked} entries for 1000 jobs in {took:?}");
    // Everything is looked at four times a second at most. Were it looked at by each claim, that would be 200 times and more.
    let looks = i64::try_from(took.as_millis() / 250).unwrap() + 3;
    let most = looks * 21_000 + 1000 * 50;
    assert!(
        walked < most,
        "{walked} entries were walked over for 1000 jobs in {took:?}, at most {most} expected"
    );
    holder.batch_execute("ROLLBACK").await.unwrap();
    running.stop().await;
    assert_eq!(ran.sorted(), (0..21_000).collect::<Vec<_>>());
}

/// What looks through everything while jobs come has done so, and will not again: a job that appears now is found because it
/// was heard of, or not at all. Nothing tells of that look, so it is waited for by the clock; where it comes later than that,
/// the test only proves less.
async fn until_nobody_looks() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn wait_for_dead(c: &mut Connection, least: i64) {
    testing::wait_until("the statistics know of them", Duration::from_secs(60), async || {
        count(c, DEAD).await >= least
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_committed_late_runs_at_once() {
    let database = TestDatabase::create().await;
    let (mut c, mut late) = (database.connect().await, database.connect().await);
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), patient());
    enqueue_all(&mut c, &notes(0..10)).await.unwrap();
    wait_until("the first run", || ran.in_order().len() == 10).await;
    for round in 1..=3_u32 {
        let number = round * 1000;
        late.batch_execute("BEGIN").await.unwrap();
        enqueue(&mut late, &Note { number }).await.unwrap();
        let options = Options { priority: Some(5), ..Options::default() };
        enqueue_with(&mut late, &Note { number: number + 1 }, &options).await.unwrap();
        for one in number + 10..number + 20 {
            enqueue(&mut c, &Note { number: one }).await.unwrap();
        }
        wait_until("others overtake it", || ran.in_order().contains(&(number + 19))).await;
        until_nobody_looks().await;
        assert!(!ran.in_order().contains(&number));
        late.batch_execute("COMMIT").await.unwrap();
        wait_until("it runs", || {
            let ran = ran.in_order();
            ran.contains(&number) && ran.contains(&(number + 1))
        })
        .await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_the_past_runs_at_once() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), patient());
    enqueue_all(&mut c, &notes(0..10)).await.unwrap();
    wait_until("the first run", || ran.in_order().len() == 10).await;
    until_nobody_looks().await;
    let an_hour_ago = Options { at: Some(Utc::now() - TimeDelta::hours(1)), ..Options::default() };
    enqueue_with(&mut c, &Note { number: 10 }, &an_hour_ago).await.unwrap();
    // As fang writes it, whose clock is another one.
    execute(
        &mut c,
        "INSERT INTO sides.fang_tasks (metadata, scheduled_at) \
         VALUES ('{\"type\": \"note\", \"number\": 11}', now() - interval '3 seconds')",
    )
    .await;
    wait_until("both run", || ran.in_order().len() == 12).await;
    running.stop().await;
}

/// A worker that was released before the migrations were applied hears that there are jobs, and not where.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_database_of_before_a_late_job_runs_as_well() {
    let database = TestDatabase::create().await;
    let (mut c, mut late) = (database.connect().await, database.connect().await);
    c.batch_execute(
        "DROP TRIGGER fang_tasks_notify_of_past ON sides.fang_tasks;
         CREATE OR REPLACE FUNCTION sides.notify_runners() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN NOTIFY sides_jobs; RETURN NULL; END $$",
    )
    .await
    .unwrap();
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), patient());
    enqueue(&mut c, &Note { number: 0 }).await.unwrap();
    wait_until("the first runs", || ran.in_order() == [0]).await;
    late.batch_execute("BEGIN").await.unwrap();
    enqueue(&mut late, &Note { number: 1 }).await.unwrap();
    enqueue(&mut c, &Note { number: 2 }).await.unwrap();
    wait_until("the other overtakes it", || ran.in_order() == [0, 2]).await;
    until_nobody_looks().await;
    late.batch_execute("COMMIT").await.unwrap();
    wait_until("it runs", || ran.in_order() == [0, 2, 1]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_hears_of_is_found_by_looking_through_everything() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), config());
    enqueue_all(&mut c, &notes(0..10)).await.unwrap();
    wait_until("the first run", || ran.in_order().len() == 10).await;
    // As a restored backup, or a notification that was lost.
    c.batch_execute("SET session_replication_role = replica").await.unwrap();
    execute(
        &mut c,
        "INSERT INTO sides.fang_tasks (metadata, scheduled_at, priority) \
         SELECT jsonb_build_object('type', 'note', 'number', n), now() - n * interval '1 second', n % 3 \
         FROM generate_series(10, 999) AS n",
    )
    .await;
    wait_until("they run", || ran.in_order().len() == 1000).await;
    // Locked by somebody while a claim passed it.
    c.batch_execute("SET session_replication_role = origin").await.unwrap();
    let mut other = database.connect().await;
    pause(&mut c, Scope::Queue("default")).await.unwrap();
    enqueue_all(&mut c, &notes(1000..1002)).await.unwrap();
    other
        .batch_execute(
            "BEGIN; SELECT id FROM sides.fang_tasks WHERE metadata ->> 'number' = '1000' FOR UPDATE",
        )
        .await
        .unwrap();
    resume(&mut c, Scope::Queue("default")).await.unwrap();
    wait_until("the other runs", || ran.in_order().contains(&1001)).await;
    other.batch_execute("ROLLBACK").await.unwrap();
    wait_until("it runs", || ran.in_order().contains(&1000)).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_more_urgent_comes_first_wherever_claims_are() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let ran = Notes::default();
    let slow = async |job: Note, context: sides_queue::Context<Notes>| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        context.state.add(job.number);
        Ok(())
    };
    let one = RunnerConfig { concurrency: 1, prefetch: 0, ..patient() };
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(slow), one);
    let with = |priority| Options { priority: Some(priority), ..Options::default() };
    for number in 0..600 {
        enqueue_with(&mut c, &Note { number }, &with(5)).await.unwrap();
    }
    // Of a priority that nobody has seen, of one that was seen, and of one between.
    for (number, priority) in [(1000, 0), (1001, 0), (1002, 3), (1003, 0), (1004, -7)] {
        let before = ran.in_order().len();
        enqueue_with(&mut c, &Note { number }, &with(priority)).await.unwrap();
        wait_until("it runs", || ran.in_order().contains(&number)).await;
        let overtaken = ran.in_order().iter().position(|ran| *ran == number).unwrap() - before;
        assert!(overtaken < 100, "{overtaken} less urgent ones ran before {number}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_leave_nothing_to_each_other() {
    let database = TestDatabase::create().await;
    let ran = Notes::default();
    let registry = || Registry::new(ran.clone()).handle::<Note, _>(note);
    let both = [start(&database, registry(), patient()), start(&database, registry(), patient())];
    let enqueuing: Vec<_> = (0..4)
        .map(|one| {
            let (url, ran) = (database.url().clone(), ran.clone());
            tokio::spawn(async move {
                let mut c = database::connect(&url).await.unwrap();
                for number in (one * 1000..(one + 1) * 1000).step_by(10) {
                    let options = Options {
                        priority: Some(i16::try_from(number % 40 / 10).unwrap()),
                        ..Options::default()
                    };
                    c.batch_execute("BEGIN").await.unwrap();
                    enqueue_with(&mut c, &Note { number }, &options).await.unwrap();
                    tokio::task::yield_now().await;
                    enqueue_all(&mut c, &notes(number + 1..number + 10)).await.unwrap();
                    c.batch_execute("COMMIT").await.unwrap();
                    if number % 200 == 0 {
                        let there = ran.in_order().len();
                        tokio::time::timeout(Duration::from_millis(20), async {
                            while ran.in_order().len() == there {
                                tokio::time::sleep(Duration::from_millis(1)).await;
                            }
                        })
                        .await
                        .ok();
                    }
                }
            })
        })
        .collect();
    for one in enqueuing {
        one.await.unwrap();
    }
    wait_until("all have run", || ran.in_order().len() >= 4000).await;
    for one in both {
        one.stop().await;
    }
    assert_eq!(ran.sorted(), (0..4000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_removes_what_its_jobs_leave() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    execute(&mut c, "ALTER TABLE sides.fang_tasks SET (autovacuum_enabled = off)").await;
    let ran = Notes::default();
    let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), config());
    let vacuumed =
        "SELECT vacuum_count AS count FROM pg_stat_user_tables WHERE relid = 'sides.fang_tasks'::regclass";
    for round in 0..30 {
        for part in 0..5 {
            let first = round * 5_000 + part * 1000;
            enqueue_all(&mut c, &notes(first..first + 1000)).await.unwrap();
        }
        wait_until("they run", || ran.in_order().len() >= (round as usize + 1) * 5_000).await;
        if count(&mut c, vacuumed).await > 0 {
            wait_for_count(&mut c, "SELECT count(*) FROM sides.fang_tasks", 0).await;
            running.stop().await;
            return;
        }
    }
    panic!("150,000 jobs came and went, and nobody vacuumed");
}
