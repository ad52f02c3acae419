//! How Postgres carries out the statements of a runner.

use database::Connection;
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use sides_queue::{bench, enqueue_all};
use testing::TestDatabase;

use crate::fixture::Note;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

async fn plan(c: &mut Connection, statement: &str, types: &str, values: &str) -> String {
    c.batch_execute(&format!("PREPARE it ({types}) AS {statement}")).await.unwrap();
    let query = diesel::sql_query(format!("EXPLAIN (COSTS OFF) EXECUTE it ({values})"));
    let lines: Vec<Line> = query.load(c).await.unwrap();
    c.batch_execute("DEALLOCATE it").await.unwrap();
    lines.into_iter().map(|line| line.text + "\n").collect()
}

/// A claim reads as far as it takes, whatever is known of the table: sorting would read all that waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_walks_its_index_in_order() {
    let database = TestDatabase::create().await;
    let mut c = database.connect().await;
    let owner = "'00000000-0000-0000-0000-000000000000'";
    for jobs in [0, 10, 5000] {
        let jobs: Vec<Note> = (0..jobs).map(|number| Note { number }).collect();
        enqueue_all(&mut c, &jobs).await.unwrap();
        c.batch_execute("ANALYZE sides.fang_tasks").await.unwrap();
        for (name, value) in bench::SETTINGS {
            c.batch_execute(&format!("SET {name} = {value}")).await.unwrap();
        }
        let all =
            plan(&mut c, bench::CLAIM, "text[], bigint, uuid", &format!("'{{note}}', 100, {owner}")).await;
        let types = "text[], bigint, int[], int[], timestamptz[], uuid[], timestamptz[], uuid";
        let parts = format!(
            "ARRAY[-9, 0], ARRAY[-1, 0], ARRAY[now(), now()], ARRAY[{owner}, {owner}]::uuid[], ARRAY[now(), now()]"
        );
        let onward =
            plan(&mut c, bench::CLAIM_PARTS, types, &format!("'{{note}}', 100, {parts}, {owner}")).await;
        // Within a priority the index says where to begin and where to end.
        assert!(
            onward.contains(
                "Index Cond: ((priority = part.lowest) AND (ROW(scheduled_at, id) >= ROW(part.due, part.id)) \
                 AND (scheduled_at <= LEAST(part.until, now())))"
            ),
            "{onward}"
        );
        for plan in [all, onward] {
            assert!(plan.contains("Index Scan using fang_tasks_in_order"), "{plan}");
            assert!(!plan.contains("Sort"), "{plan}");
        }
    }
}

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// What other claims have taken costs the next one nothing, although a snapshot stops vacuum.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_what_is_there_and_not_what_was() {
    let database = TestDatabase::create().await;
    let (mut c, mut holder) = (database.connect().await, database.connect().await);
    holder
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sides.runners")
        .await
        .unwrap();
    let jobs: Vec<Note> = (0..20_000).map(|number| Note { number }).collect();
    enqueue_all(&mut c, &jobs).await.unwrap();
    c.batch_execute("UPDATE sides.fang_tasks SET state = 'in_progress'; DELETE FROM sides.fang_tasks")
        .await
        .unwrap();
    let since = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS count";
    let since: Read = diesel::sql_query(since).get_result(&mut c).await.unwrap();
    enqueue_all(&mut c, &jobs[..20]).await.unwrap();
    for (name, value) in bench::SETTINGS {
        c.batch_execute(&format!("SET {name} = {value}")).await.unwrap();
    }
    let nobody = "'00000000-0000-0000-0000-000000000000'::uuid";
    let since = format!("to_timestamp({}::numeric / 1000000)", since.count);
    let types = "text[], bigint, int[], int[], timestamptz[], uuid[], timestamptz[], uuid";
    c.batch_execute(&format!("PREPARE it ({types}) AS {}", bench::CLAIM_PARTS)).await.unwrap();
    let onward = format!(
        "ARRAY[-32768, 0, 1], ARRAY[-1, 0, 32767], ARRAY['-infinity', {since}, '-infinity']::timestamptz[], \
         ARRAY[{nobody}, {nobody}, {nobody}], ARRAY['infinity', 'infinity', 'infinity']::timestamptz[]"
    );
    let everything = format!(
        "ARRAY[-32768], ARRAY[32767], ARRAY['-infinity'::timestamptz], ARRAY[{nobody}], ARRAY['infinity'::timestamptz]"
    );
    let mut buffers = Vec::new();
    for parts in [everything, onward] {
        let query = format!(
            "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) EXECUTE it ('{{note}}', 100, {parts}, {nobody})"
        );
        c.batch_execute("BEGIN").await.unwrap();
        let lines: Vec<Line> = diesel::sql_query(query).load(&mut c).await.unwrap();
        c.batch_execute("ROLLBACK").await.unwrap();
        let plan: String = lines.into_iter().map(|line| line.text + "\n").collect();
        // Postgres 18 writes fractions of a row.
        assert!(plan.contains("rows=20 ") || plan.contains("rows=20.00 "), "{plan}");
        // Of the array of what was found: the rows themselves are written in either case.
        let found = plan.split("InitPlan").nth(1).unwrap();
        let hit = found.split("Buffers: shared hit=").nth(1).unwrap();
        buffers.push(hit.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u32>().unwrap());
    }
    println!("{buffers:?} buffers");
    assert!(buffers[1] < 100 && buffers[0] > 300, "{buffers:?}");
}
