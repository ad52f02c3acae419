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

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_the_same_in_sql() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let backfill = locks::backfill_of("'20260101000000'");
    let query =
        format!("SELECT {} = '{}' AND {backfill} = $3 AS answer", locks::BUILD, locks::build("web", "a1"));
    let same = sql_query(query)
        .bind::<sql_types::Text, _>("web")
        .bind::<sql_types::Text, _>("a1")
        .bind::<sql_types::Text, _>(locks::backfill("20260101000000"))
        .get_result::<Answer>(&mut connection)
        .await;
    assert!(same.unwrap().answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_seen_by_its_key_and_only_while_it_is_held() {
    let database = TestDatabase::create().await;
    let (mut holder, mut eye) = (database.connect().await, database.connect().await);
    // Both halves count, whatever their sign is.
    for key in [
        locks::RELEASE,
        locks::MIGRATION_RUNNER,
        -1,
        1,
        i64::MIN,
        0x1234_5678_9abc_def0,
        0x0f00_0000_f000_000f,
    ] {
        assert!(!locks::is_held(&mut eye, key).await.unwrap(), "{key} is free");
        let take = |how: &str| format!("SELECT pg_{how}({key}) IS NULL AS answer");
        sql_query(take("advisory_lock")).execute(&mut holder).await.unwrap();
        assert!(locks::is_held(&mut eye, key).await.unwrap(), "{key} is held");
        for other in [key ^ 1, key ^ (1 << 32), key.wrapping_add(1 << 62)] {
            assert!(!locks::is_held(&mut eye, other).await.unwrap(), "{other} is another one");
        }
        sql_query(take("advisory_unlock")).execute(&mut holder).await.unwrap();
        assert!(!locks::is_held(&mut eye, key).await.unwrap(), "{key} is free again");
    }
    // Two keys of 32 bits are another lock, as is one of another database.
    sql_query("SELECT pg_advisory_lock(1936286821, 1936876908) IS NULL AS answer")
        .execute(&mut holder)
        .await
        .unwrap();
    let another = TestDatabase::create().await;
    let mut elsewhere = another.connect().await;
    sql_query(format!("SELECT pg_advisory_lock({}) IS NULL AS answer", locks::RELEASE))
        .execute(&mut elsewhere)
        .await
        .unwrap();
    assert!(!locks::is_held(&mut eye, locks::RELEASE).await.unwrap());
}
