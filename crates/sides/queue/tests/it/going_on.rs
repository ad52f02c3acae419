//! Claims of workers in other languages and of what has limits, under a snapshot that keeps all that has passed: they cost
//! what they take, and hide nothing for long.

use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use sides_queue::{Limits, Registry, RunnerConfig, Scope, enqueue_all, limit, pause, resume};
use testing::TestDatabase;

use crate::fixture::{Note, Notes, config, count, execute, note, start, wait_until};

const PASSED: i64 = 20_000;
/// Each claim of a few jobs reads its rules, its place, and writes its jobs. A walk over all that passed reads thousands.
const FEW: i64 = 700;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    job: i64,
}

/// How many buffers a query reads, once its plans are made.
pub(crate) async fn buffers(c: &mut Connection, query: &str) -> i64 {
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {query}");
    let lines: Vec<Line> = diesel::sql_query(explain).load(c).await.unwrap();
    let line = lines.iter().find_map(|line| line.text.split("Buffers: shared ").nth(1)).unwrap_or_default();
    let number = |what: &str| {
        let part = line.split(what).nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?;
        part.parse::<i64>().ok()
    };
    number("hit=").unwrap_or(0) + number("read=").unwrap_or(0)
}

/// Jobs that have come and gone, and a snapshot that keeps what is left of them.
struct Past {
    database: TestDatabase,
    c: Connection,
    _holder: Connection,
}

impl Past {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let (mut c, mut holder) = (database.connect().await, database.connect().await);
        holder
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sides.runners")
            .await
            .unwrap();
        let mut past = Self { _holder: holder, c: database.connect().await, database };
        past.pass(PASSED).await;
        // Plans of statements that are new to a session read catalogs.
        c.batch_execute("SELECT 1").await.unwrap();
        past
    }

    async fn pass(&mut self, jobs: i64) {
        let sql = format!(
            "INSERT INTO sides.fang_tasks (metadata) SELECT '{{\"type\": \"a\"}}' FROM generate_series(1, {jobs});
             UPDATE sides.fang_tasks SET state = 'in_progress', owner = gen_random_uuid();
             DELETE FROM sides.fang_tasks;"
        );
        self.c.batch_execute(&sql).await.unwrap();
    }

    async fn enqueue(&mut self, jobs: i64) {
        execute(&mut self.c, &format!("SELECT sides.enqueue('a') FROM generate_series(1, {jobs})")).await;
    }

    /// That everything was looked through takes so long that nobody does it again.
    async fn settle(&mut self) {
        execute(&mut self.c, "UPDATE sides.claim_places SET took = '1 hour'").await;
    }

    async fn claim(&mut self, worker: u8, wanted: i64) -> i64 {
        let sql = format!("SELECT count(*) AS job FROM sides.claim('{}', '{{a}}', {wanted})", name(worker));
        let row: Number = diesel::sql_query(sql).get_result(&mut self.c).await.unwrap();
        row.job
    }

    async fn cost(&mut self, worker: u8, wanted: i64) -> i64 {
        buffers(&mut self.c, &format!("SELECT * FROM sides.claim('{}', '{{a}}', {wanted})", name(worker)))
            .await
    }
}

fn name(worker: u8) -> String {
    format!("{worker:08}-0000-0000-0000-000000000000")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_another_language_costs_what_it_takes() {
    let mut past = Past::new().await;
    past.enqueue(200).await;
    let first = past.cost(1, 5).await;
    past.settle().await;
    past.claim(1, 5).await;
    let next = past.cost(1, 5).await;
    // Another worker, which looks after those of the dead as well.
    let other = past.cost(2, 5).await;
    // It goes on however many pass.
    let mut most = 0;
    for _ in 0..30 {
        assert_eq!(past.claim(2, 100).await, 100.min(past.waiting().await + 100));
        execute(&mut past.c, "DELETE FROM sides.fang_tasks WHERE state = 'in_progress'").await;
        past.enqueue(100).await;
        most = most.max(past.cost(2, 1).await);
    }
    let beginner = past.cost(3, 5).await;
    println!("{first} buffers, then {next}, {other}, at most {most}, {beginner}");
    assert!(first > 5_000 && next < FEW && other < FEW && most < FEW && beginner < FEW);
}

impl Past {
    async fn waiting(&mut self) -> i64 {
        count(&mut self.c, "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new'").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_does_a_claim_under_limits_and_no_limit_is_exceeded() {
    for per_key in [false, true] {
        let mut past = Past::new().await;
        let limits =
            Limits { running: Some(20), running_per_key: per_key.then_some(15), ..Limits::default() };
        limit(&mut past.c, Scope::Kind("a"), limits).await.unwrap();
        past.enqueue(400).await;
        execute(&mut past.c, "UPDATE sides.fang_tasks SET limit_key = 'x'").await;
        let first = past.cost(1, 5).await;
        past.settle().await;
        past.claim(1, 5).await;
        let next = past.cost(1, 5).await;
        println!("{first} buffers, then {next}");
        // Of those with a key many are looked at, so that one key does not hold up the others.
        assert!(first > 5_000 && next < if per_key { 6_000 } else { FEW });
        // 15 run.
        let allowed = if per_key { 0 } else { 5 };
        assert_eq!(past.claim(2, 100).await, allowed);
        assert_eq!(past.claim(3, 100).await, 0);
        execute(
            &mut past.c,
            "DELETE FROM sides.fang_tasks WHERE id IN (SELECT id FROM sides.fang_tasks WHERE state = 'in_progress' LIMIT 3)",
        )
        .await;
        assert_eq!(past.claim(3, 100).await, 3);
        assert_eq!(past.claim(2, 100).await, 0);
    }
}

/// A worker of an older build has no right to the notes: what it claims must count all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_before_claims_under_the_same_limits() {
    let mut past = Past::new().await;
    let limits = Limits { running: Some(20), ..Limits::default() };
    limit(&mut past.c, Scope::Kind("a"), limits).await.unwrap();
    past.enqueue(100).await;
    assert_eq!(past.claim(1, 5).await, 5);
    past.settle().await;
    let role = format!("older_{}", past.database.url().database());
    let mut older = past.database.connect().await;
    older
        .batch_execute(&format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA sides TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON sides.fang_tasks, sides.job_rules TO {role};
             SET ROLE {role}"
        ))
        .await
        .unwrap();
    let limited = "SELECT count(*) FROM sides.claim_limited(gen_random_uuid(), '{a}', 10)";
    let claimed = count(&mut older, limited).await;
    execute(&mut older, "RESET ROLE").await;
    execute(&mut older, &format!("DROP OWNED BY {role}")).await;
    execute(&mut older, &format!("DROP ROLE {role}")).await;
    assert_eq!(claimed, 10);
    assert_eq!(past.claim(1, 100).await, 5);
    assert_eq!(past.claim(1, 100).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_behind_the_place_is_found() {
    let mut past = Past::new().await;
    past.enqueue(10).await;
    let mut late = past.database.connect().await;
    late.batch_execute("BEGIN; SELECT sides.enqueue('a')").await.unwrap();
    assert_eq!(past.claim(1, 10).await, 10);
    execute(&mut past.c, "UPDATE sides.claim_places SET took = '20 milliseconds'").await;
    late.batch_execute("COMMIT").await.unwrap();
    execute(
        &mut past.c,
        &format!("SELECT sides.give_back('{}', job, lease) FROM sides.extend('{}')", name(1), name(1)),
    )
    .await;
    let mut found = 0;
    for _ in 0..600 {
        found += past.claim(1, 20).await;
        if found == 11 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(found, 11);
    // At once when a rule changes, although nobody would look through everything for hours.
    execute(&mut past.c, "DELETE FROM sides.fang_tasks").await;
    pause(&mut past.c, Scope::Kind("a")).await.unwrap();
    past.enqueue(10).await;
    // Further back than what is looked at again anyhow.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(past.claim(1, 20).await, 0);
    past.settle().await;
    resume(&mut past.c, Scope::Kind("a")).await.unwrap();
    assert_eq!(past.claim(1, 20).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_for_jobs_of_the_dead_costs_the_same_and_finds_them() {
    let mut past = Past::new().await;
    past.enqueue(10).await;
    assert_eq!(past.claim(1, 10).await, 10);
    let rescue = "SELECT sides.rescue_jobs()";
    let first = buffers(&mut past.c, rescue).await;
    past.settle().await;
    buffers(&mut past.c, rescue).await;
    let next = buffers(&mut past.c, rescue).await;
    println!("{first} buffers, then {next}");
    assert!(next < 50);
    execute(&mut past.c, "UPDATE sides.runners SET lease_until = now()").await;
    assert_eq!(count(&mut past.c, "SELECT sides.rescue_jobs()::bigint AS count").await, 10);
    // They are behind where claims go on, and found at once.
    assert_eq!(past.claim(2, 10).await, 10);
}

/// Of the 20,000 that have passed and that a snapshot keeps, none was its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_extends_its_lease_or_leaves_walks_over_its_own_jobs_alone() {
    let mut past = Past::new().await;
    past.enqueue(10).await;
    assert_eq!(past.claim(1, 5).await + past.claim(2, 5).await, 10);
    past.settle().await;
    let (extend, leave) =
        (|worker| format!("SELECT * FROM sides.extend('{}')", name(worker)), "SELECT sides.leave('{}')");
    let extended = [buffers(&mut past.c, &extend(1)).await, buffers(&mut past.c, &extend(1)).await];
    let held = count(&mut past.c, &format!("SELECT count(*) FROM sides.extend('{}')", name(1))).await;
    let left = buffers(&mut past.c, &leave.replace("{}", &name(1))).await;
    println!("{extended:?} buffers to extend, {left} to leave");
    assert!(extended[0] < FEW && extended[1] < 100 && left < 400, "{extended:?} {left}");
    assert_eq!((held, past.waiting().await), (5, 5), "what it held is back, and the other's is not");
}

/// Compiling a plan that runs once, for a moment, takes longer than all the rest: as a server does by default where a plan
/// counts as dear.
#[tokio::test(flavor = "multi_thread")]
async fn no_function_of_a_worker_has_its_plans_compiled() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let compiled = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'sides'::regnamespace
        AND 'enable_seqscan=off' = ANY (proconfig) AND NOT 'jit=off' = ANY (proconfig)";
    assert_eq!(count(&mut c, compiled).await, 0);
}

/// Whatever was noted: even of a time to come.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_starts_where_others_are_finds_what_they_left() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    for ahead in ["-1 hour", "1 minute", "1 day"] {
        let sql = format!(
            "INSERT INTO sides.claim_places (place, looked_at, took, priorities, due, ids) VALUES \
                (hashtextextended('runners', 0), now(), '0', '{{0}}', ARRAY[now() + interval '{ahead}'], ARRAY[gen_random_uuid()])"
        );
        execute(&mut c, &sql).await;
        let jobs: Vec<_> = (0..200).map(|number| Note { number }).collect();
        enqueue_all(&mut c, &jobs).await.unwrap();
        let ran = Notes::default();
        let patient = RunnerConfig { poll: std::time::Duration::from_secs(600), ..config() };
        let running = start(&database, Registry::new(ran.clone()).handle::<Note, _>(note), patient);
        wait_until("they run", || ran.in_order().len() == 200).await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_notes_where_it_is_when_looking_takes_long() {
    let mut past = Past::new().await;
    past.pass(100_000).await;
    let ran = Notes::default();
    let running = start(&past.database, Registry::new(ran.clone()).handle::<Note, _>(note), config());
    let places = "SELECT count(*) FROM sides.claim_places WHERE place = hashtextextended('runners', 0)";
    for number in 0..2000 {
        enqueue_all(&mut past.c, &[Note { number }]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        if count(&mut past.c, places).await > 0 {
            running.stop().await;
            return;
        }
    }
    panic!("it noted nothing");
}
