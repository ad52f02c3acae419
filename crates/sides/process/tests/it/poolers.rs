//! A pooler between a process and its database: it works, or it is refused at the start, in words.

use testing::{Bouncer, Program, TestDatabase};

use crate::fixture::napper_on;

const TRANSACTIONS: &[&str] = &["pool_mode = transaction"];

async fn is_refused(command: &mut std::process::Command, words: &str) {
    let mut program = Program::start(command);
    // Said first: where it does not come, what it said instead is shown.
    program.says(words).await;
    assert_eq!(program.ended().await.code(), Some(78), "{}", program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_change_between_transactions_are_refused_without_an_address_of_the_server_itself() {
    let database = TestDatabase::create().await;
    let bouncer = Bouncer::before(database.url(), TRANSACTIONS).await;
    is_refused(&mut napper_on(bouncer.url()), "Set DATABASE_DIRECT_URL to the server itself").await;
    is_refused(
        napper_on(database.url()).env("DATABASE_DIRECT_URL", bouncer.url().expose()),
        "DATABASE_DIRECT_URL goes through a transaction pooler",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_found_out_among_many_and_with_few() {
    let database = TestDatabase::create().await;
    for more in ["default_pool_size = 1", "server_round_robin = 1", "min_pool_size = 5"] {
        let bouncer = Bouncer::before(database.url(), &["pool_mode = transaction", more]).await;
        is_refused(&mut napper_on(bouncer.url()), "transaction pooler").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_servers_address_it_works_or_is_refused_for_the_statements_that_it_loses() {
    let database = TestDatabase::create().await;
    let bouncer = Bouncer::before(database.url(), TRANSACTIONS).await;
    let mut command = napper_on(bouncer.url());
    command.env("DATABASE_DIRECT_URL", database.url().expose());
    match database::pooler(bouncer.url()).await.unwrap() {
        database::Pooler::TransactionWithoutStatements => {
            is_refused(&mut command, "max_prepared_statements").await;
        }
        database::Pooler::Transaction => Program::start(&mut command).answers("/readyz", 200, "ready").await,
        other => panic!("it is a pooler of transactions, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_transactions_is_refused_everywhere() {
    let database = TestDatabase::create().await;
    for more in ["", "default_pool_size = 1", "ignore_startup_parameters = options"] {
        let bouncer = Bouncer::before(database.url(), &["pool_mode = statement", more]).await;
        assert_eq!(database::pooler(bouncer.url()).await.unwrap(), database::Pooler::Statement);
        is_refused(&mut napper_on(bouncer.url()), "Set DATABASE_DIRECT_URL to the server itself").await;
        let mut command = napper_on(bouncer.url());
        command.env("DATABASE_DIRECT_URL", database.url().expose());
        is_refused(&mut command, "a pooler without transactions").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_works_by_session_is_none() {
    let database = TestDatabase::create().await;
    for settings in
        [&["pool_mode = session"][..], &["pool_mode = session", "ignore_startup_parameters = options"]]
    {
        let bouncer = Bouncer::before(database.url(), settings).await;
        assert_eq!(database::pooler(bouncer.url()).await.unwrap(), database::Pooler::None);
        let program = Program::start(&mut napper_on(bouncer.url()));
        program.answers("/readyz", 200, "ready").await;
    }
    assert_eq!(database::pooler(database.url()).await.unwrap(), database::Pooler::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_a_pooler_swallows_is_refused() {
    let database = TestDatabase::create().await;
    for more in ["ignore_startup_parameters = options", ""] {
        let bouncer = Bouncer::before(database.url(), &["pool_mode = session", more]).await;
        is_refused(napper_on(bouncer.url()).env("DATABASE_ROLE", "sides_clock"), "does not pass on the role")
            .await;
    }
}
