//! One row costs one row, on the page of operations too.

use testing::{TestDatabase, fill_with_odd_rows};

use crate::fixture::Web;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_tables_hold_operations_shows_the_rest() {
    let database = TestDatabase::create().await;
    fill_with_odd_rows(&mut database.connect().await, "note", "good").await;
    let web = Web::start(database.url()).await;
    let session = web.sign_in().await;
    let page = web.get_as(&session, "/operations").await;
    assert_eq!(page.status, 200, "{}\n{}", page.body, web.program.output());
    // A process, a kind and a schedule.
    for expected in ["odd-", "note", "web"] {
        assert!(page.body.contains(expected), "{expected}");
    }
    let (status, answer) = web.program.get("/status").await;
    assert_eq!(status, 200, "{answer}");
}
