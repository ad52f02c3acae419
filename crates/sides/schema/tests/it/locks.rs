//! Whether two sessions mean the same lock.

use diesel::{QueryableByName, sql_query, sql_types};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use sides_schema::locks;
use testing::TestDatabase;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = sql_types::Bool)]
    answer: bool,
}

async fn takes(connection: &mut AsyncPgConnection, how: &str, name: &str) -> bool {
    let query = format!("SELECT pg_try_advisory_lock{how}({}) AS answer", locks::key_of("$1"));
    let answer = sql_query(query).bind::<sql_types::Text, _>(name).get_result::<Answer>(connection).await;
    answer.unwrap().answer
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_one_build_share_its_lock_and_nobody_has_it_alone() {
    let database = TestDatabase::create().await;
    let (mut one, mut two, mut eye) =
        (database.connect().await, database.connect().await, database.connect().await);
    let build = locks::build("web", "a1");
    assert!(takes(&mut one, "_shared", &build).await && takes(&mut two, "_shared", &build).await);
    assert!(!takes(&mut eye, "", &build).await, "two instances run");
    assert!(takes(&mut eye, "", &locks::build("web", "a2")).await);
    assert!(takes(&mut eye, "", locks::CONTROLLER).await && !takes(&mut one, "", locks::CONTROLLER).await);
}
