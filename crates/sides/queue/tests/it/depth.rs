//! How deep the queue is, at a cost that does not grow with it.

use database::Connection;
use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl as _;
use sides_queue::{depth, overview};
use testing::TestDatabase;

use crate::{
    fixture::{count, execute},
    going_on::buffers,
};

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = BigInt)]
    read: i64,
}

/// Pages of the table and its indexes that this session was given so far.
async fn read(c: &mut Connection) -> i64 {
    let sql = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint AS read FROM pg_class \
        WHERE oid = 'sides.fang_tasks'::regclass OR oid IN \
            (SELECT indexrelid FROM pg_index WHERE indrelid = 'sides.fang_tasks'::regclass)";
    let row: Read = diesel::sql_query(sql).get_result(c).await.unwrap();
    row.read
}

async fn enqueue(c: &mut Connection, jobs: i64) {
    let sql = format!(
        "INSERT INTO sides.fang_tasks (metadata, scheduled_at, state, parked_by, owner, error_message)
         SELECT jsonb_build_object('type', CASE n % 10 WHEN 0 THEN 'seldom' ELSE 'often' END),
            now() + CASE n % 4 WHEN 0 THEN interval '1 hour' ELSE interval '-1 hour' END, 'new', NULL, NULL,
            repeat('x', (n % 50)::int)
         FROM generate_series(1, {jobs}) AS n"
    );
    execute(c, &sql).await;
}

fn is_near(estimate: i64, truth: i64) -> bool {
    (estimate - truth).abs() * 10 < truth * 3
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_queue_costs_the_same_however_deep_it_is() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    enqueue(&mut c, 1000).await;
    let shallow = depth(&mut c).await.unwrap();
    assert_eq!((shallow.ready, shallow.scheduled, shallow.estimated), (750, 250, false));
    // Few among many, and each of them told exactly.
    execute(
        &mut c,
        "INSERT INTO sides.fang_tasks (metadata, state, owner, parked_by)
         SELECT jsonb_build_object('type', kind), state::sides.fang_task_state, owner, parked
         FROM (VALUES ('broken', 'failed', NULL, NULL), ('odd', 'new', NULL, 'r'), ('busy', 'in_progress', gen_random_uuid(), NULL))
            AS few (kind, state, owner, parked), generate_series(1, 3)",
    )
    .await;
    let mut costs = Vec::new();
    for jobs in [60_000, 240_000] {
        let waiting = "SELECT count(*) FROM sides.fang_tasks WHERE state = 'new' AND parked_by IS NULL";
        let there = count(&mut c, waiting).await;
        enqueue(&mut c, jobs - there).await;
        execute(&mut c, "ANALYZE sides.fang_tasks").await;
        execute(&mut c, "BEGIN").await;
        let before = read(&mut c).await;
        let seen = depth(&mut c).await.unwrap();
        costs.push(read(&mut c).await - before);
        execute(&mut c, "COMMIT").await;
        println!("{jobs} jobs: {seen:?}, {costs:?} pages");
        assert!(
            seen.estimated && is_near(seen.ready, jobs * 3 / 4) && is_near(seen.scheduled, jobs / 4),
            "{seen:?}"
        );
        assert_eq!((seen.running, seen.failed, seen.parked), (3, 3, 3));
        let kinds = overview(&mut c).await.unwrap();
        let names: Vec<_> = kinds.iter().map(|kind| kind.kind.as_str()).collect();
        assert_eq!(names, ["broken", "busy", "odd", "often", "seldom"]);
        assert!(is_near(kinds[3].ready + kinds[3].scheduled, jobs * 9 / 10), "{kinds:?}");
        assert!(kinds[3].oldest_ready_seconds.is_some_and(|seconds| seconds >= 3600.0));
    }
    let pages = count(&mut c, "SELECT pg_relation_size('sides.fang_tasks') / 8192 AS count").await;
    assert!(costs.iter().all(|cost| *cost < 2500) && pages > 4000, "{costs:?} of {pages}");
    assert!(costs[1] < costs[0] * 3 / 2, "{costs:?}");
}

/// `DEEP=10000000 cargo test -p sides-queue --test it deep_queue -- --nocapture` prints what each costs in one of that depth.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_deep_queue_costs_what_it_takes() {
    let jobs: i64 = std::env::var("DEEP").map_or(100_000, |jobs| jobs.parse().unwrap());
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    // Half of them for later, in three priorities.
    let fill = format!(
        "INSERT INTO sides.fang_tasks (metadata, scheduled_at, priority)
         SELECT jsonb_build_object('type', 'kind_' || n % 10), now() + CASE n / 10 % 2 WHEN 0 THEN -1 ELSE 1 END
            * make_interval(secs => 1 + n * 86400.0 / {jobs}), (n % 3)::smallint FROM generate_series(1, {jobs}) AS n"
    );
    for statement in ["SET session_replication_role = replica", &fill, "RESET session_replication_role"] {
        execute(&mut c, statement).await;
    }
    execute(&mut c, "VACUUM ANALYZE sides.fang_tasks").await;
    let worker = "00000000-0000-0000-0000-000000000001";
    let held = format!("FROM sides.fang_tasks WHERE state = 'in_progress' AND owner = '{worker}' LIMIT 1");
    for (what, sql, most) in [
        ("enqueue", "SELECT sides.enqueue('kind_2')".to_owned(), 60),
        ("claim of 20", format!("SELECT * FROM sides.claim('{worker}', '{{kind_2,kind_4}}', 20)"), 900),
        ("extend", format!("SELECT * FROM sides.extend('{worker}')"), 100),
        ("complete", format!("SELECT sides.complete(owner, id, lease) {held}"), 100),
        ("fail", format!("SELECT sides.fail(owner, id, lease, 'no') {held}"), 150),
        ("rescue_jobs", "SELECT sides.rescue_jobs()".to_owned(), 50),
        ("leave", format!("SELECT sides.leave('{worker}')"), 2_000),
    ] {
        let mut seen = Vec::new();
        for _ in 0..if what == "leave" { 1 } else { 3 } {
            seen.push(buffers(&mut c, &sql).await);
        }
        println!("{what}: {seen:?} buffers");
        assert!(seen[seen.len() - 1] < most, "{what}: {seen:?}");
    }
    for _ in 0..2 {
        execute(&mut c, "BEGIN").await;
        let (before, began) = (read(&mut c).await, std::time::Instant::now());
        let seen = depth(&mut c).await.unwrap();
        println!("depth: {} pages, {:?}, {seen:?}", read(&mut c).await - before, began.elapsed());
        execute(&mut c, "COMMIT").await;
    }
}
