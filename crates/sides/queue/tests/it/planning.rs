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
        let (first, behind) = (format!("{owner}, '{{note}}', 100"), format!("0, now(), {owner}"));
        let all = plan(&mut c, bench::CLAIM, "uuid, text[], bigint", &first).await;
        let types = "uuid, text[], bigint, smallint, timestamptz, uuid";
        let onward = plan(&mut c, bench::CLAIM_ONWARD, types, &format!("{first}, {behind}")).await;
        for plan in [all, onward] {
            assert!(plan.contains("Index Scan using fang_tasks_in_order"), "{plan}");
            assert!(!plan.contains("Sort"), "{plan}");
        }
    }
}
