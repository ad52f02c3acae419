#[tokio::test(flavor = "multi_thread")]
async fn up_twice_changes_nothing_the_second_time() {
    let database = testing::TestDatabase::create().await;
    assert_eq!(migrate::up(database.url()).await.unwrap(), Vec::<String>::new());
}
