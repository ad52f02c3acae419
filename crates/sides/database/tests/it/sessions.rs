//! What sessions begin with, whatever their role and database say by default.

use std::time::Duration;

use sides_database::{DatabaseUrl, client, connect, unlimited_client};
use testing::{Bouncer, TestDatabase, wait_until};
use tokio_postgres::Client;

async fn odd() -> TestDatabase {
    let database = TestDatabase::empty().await;
    let (admin, name) = (client(database.url()).await.unwrap(), database.url().database());
    for setting in [
        "idle_session_timeout = '100ms'",
        "statement_timeout = '5s'",
        "lock_timeout = '4s'",
        "idle_in_transaction_session_timeout = '3s'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = serializable",
    ] {
        admin.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.unwrap();
    }
    database
}

async fn has(client: &Client, name: &str) -> String {
    client.query_one("SELECT current_setting($1)", &[&name]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_ones_own_is_not_ended_while_it_waits() {
    let database = odd().await;
    let (plain, unlimited) =
        (client(database.url()).await.unwrap(), unlimited_client(database.url()).await.unwrap());
    let mut diesel = connect(database.url()).await.unwrap();
    let impatient = client(&database.url().with_setting("idle_session_timeout", "100ms")).await.unwrap();
    wait_until("another one is ended", Duration::from_secs(30), async || impatient.is_closed()).await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut diesel, "SELECT 1").await.unwrap();
    for (name, own, limits) in [
        ("idle_session_timeout", "0", "0"),
        ("standard_conforming_strings", "on", "on"),
        ("transaction_isolation", "read committed", "read committed"),
        ("statement_timeout", "5s", "0"),
        ("lock_timeout", "4s", "0"),
        ("idle_in_transaction_session_timeout", "3s", "0"),
    ] {
        assert_eq!(
            (has(&plain, name).await, has(&unlimited, name).await),
            (own.to_owned(), limits.to_owned()),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_address_says_counts_more() {
    let database = odd().await;
    let url =
        database.url().with_setting("idle_session_timeout", "50s").with_setting("statement_timeout", "7s");
    for client in [client(&url).await.unwrap(), unlimited_client(&url).await.unwrap()] {
        assert_eq!(has(&client, "idle_session_timeout").await, "50s");
    }
    assert_eq!(has(&client(&url).await.unwrap(), "statement_timeout").await, "7s");
    assert_eq!(has(&unlimited_client(&url).await.unwrap(), "statement_timeout").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_takes_no_settings_is_asked_without() {
    let database = TestDatabase::empty().await;
    let bouncer = Bouncer::before(database.url(), &["pool_mode = session"]).await;
    let url: &DatabaseUrl = bouncer.url();
    let unlimited = unlimited_client(url).await.unwrap();
    assert_eq!(has(&unlimited, "statement_timeout").await, "0");
    client(url).await.unwrap().batch_execute("SELECT 1").await.unwrap();
    drop(connect(url).await.unwrap());
}
