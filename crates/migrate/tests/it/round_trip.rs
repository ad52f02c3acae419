use diesel_async::RunQueryDsl as _;

#[tokio::test(flavor = "multi_thread")]
async fn up_twice_changes_nothing_the_second_time() {
    let database = testing::TestDatabase::create().await;
    assert_eq!(migrate::up(database.url()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_cannot_read_the_application() {
    let database = testing::TestDatabase::create().await;
    let mut clock = database::connect(&database.url().with_role("sides_clock")).await.unwrap();
    let refused =
        diesel::sql_query("SELECT * FROM public.services").execute(&mut clock).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    diesel::sql_query("SELECT * FROM sides.ticks").execute(&mut clock).await.unwrap();
}
