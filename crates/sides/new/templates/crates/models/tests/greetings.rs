//! Rows on a real database.

use models::greetings;
use testing::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_greeting_comes_first() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for name in ["Ann", "Ben"] {
        greetings::add(&mut connection, name).await.unwrap();
    }
    let found = greetings::newest(&mut connection, 1).await.unwrap();
    assert_eq!(found.iter().map(|greeting| greeting.name.as_str()).collect::<Vec<_>>(), ["Ben"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_has_what_schema_rs_declares() {
    let database = TestDatabase::create().await;
    testing::assert_tables(&database, models::SCHEMA, &[]).await;
}
