//! What the clocks scale by, at a cost that does not grow with the queue.

use diesel::{QueryableByName, sql_query, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use sides_schema::jobs::load;
use testing::TestDatabase;

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = sql_types::BigInt)]
    read: i64,
}

/// Pages of the table of jobs and its indexes that this transaction was given so far.
async fn read(c: &mut AsyncPgConnection) -> i64 {
    let sql = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint AS read FROM pg_class
        WHERE oid = 'sides.fang_tasks'::regclass OR oid IN
            (SELECT indexrelid FROM pg_index WHERE indrelid = 'sides.fang_tasks'::regclass)";
    sql_query(sql).get_result::<Read>(c).await.unwrap().read
}

async fn enqueue(c: &mut AsyncPgConnection, kind: &str, due: &str, priority: i16, jobs: u32) {
    let sql = format!(
        "INSERT INTO sides.fang_tasks (metadata, scheduled_at, priority, error_message)
         SELECT '{{\"type\": \"{kind}\"}}', now() + interval '{due}', {priority}, repeat('x', 50)
         FROM generate_series(1, {jobs})"
    );
    c.batch_execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_instance_is_counted_and_not_what_is_for_later_or_held_up() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    c.batch_execute(
        "INSERT INTO sides.instances (id, process, release, host, pid, ops_address, state)
             VALUES ('00000000-0000-0000-0000-000000000001', 'worker', 'r', 'h', 1, '127.0.0.1:1', 'ready');
         INSERT INTO sides.runners (id, instance, release, kinds, concurrency, lease_until)
             SELECT gen_random_uuid(), id, release, '{a, held}', 8, now() + interval '1 hour' FROM sides.instances;
         INSERT INTO sides.job_rules (scope, name, paused) VALUES ('kind', 'held', true)",
    )
    .await
    .unwrap();
    for (kind, due, priority, jobs) in [
        ("a", "-1 minute", 0, 20),
        ("a", "-2 hours", 7, 10),
        ("a", "1 hour", 0, 10),
        ("b", "0", 0, 5),
        ("held", "0", 0, 5),
    ] {
        enqueue(&mut c, kind, due, priority, jobs).await;
    }
    let few = load::read(&mut c, "worker").await.unwrap();
    assert_eq!((few.waiting, few.slots, few.idle), (30, 8, 1), "{few:?}");
    assert!((7200..7300).contains(&few.oldest.as_secs()), "{few:?}");

    enqueue(&mut c, "a", "1 hour", 0, 120_000).await;
    c.batch_execute("ANALYZE sides.fang_tasks; BEGIN").await.unwrap();
    let before = read(&mut c).await;
    let scheduled = load::read(&mut c, "worker").await.unwrap();
    let cost = read(&mut c).await - before;
    c.batch_execute("COMMIT").await.unwrap();
    assert_eq!(scheduled.waiting, 30);
    assert!(cost < 300, "{cost} pages read beside 120,000 jobs for later");

    // More than are looked at in order cannot run; what is behind them can.
    enqueue(&mut c, "held", "-1 hour", 0, 25_000).await;
    enqueue(&mut c, "a", "-1 minute", 0, 10_000).await;
    c.batch_execute("VACUUM ANALYZE sides.fang_tasks").await.unwrap();
    let behind = load::read(&mut c, "worker").await.unwrap();
    assert!((5_000..20_000).contains(&behind.waiting), "{behind:?}");
}
