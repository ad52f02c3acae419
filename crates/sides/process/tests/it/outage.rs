//! The database goes away and comes back: the process stays, and recovers by itself.

use std::time::Duration;

use testing::{Cable, Program, TestDatabase, wait_until};

use crate::fixture::{lines, napper_on, on_server, states};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn ended_connections_are_opened_again() {
    let database = TestDatabase::create().await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 200, "ready").await;
    let name = database.url().database();
    let away = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    on_server(&database, &away).await;
    program.answers("/readyz", 503, "database: the database is unavailable").await;
    assert_eq!(program.get("/livez").await.0, 200, "a database that is away is no reason to be restarted");
    on_server(&database, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    program.answers("/readyz", 200, "ready").await;
    program.says("the database is available again").await;
    assert_eq!(program.output().matches("no heartbeat").count(), 1, "{}", program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_cable_is_noticed_and_forgiven() {
    let database = TestDatabase::create().await;
    let cable = Cable::to(database.url()).await;
    let program = Program::start(&mut napper_on(cable.url()));
    program.answers("/readyz", 200, "ready").await;
    cable.cut();
    program.answers("/readyz", 503, "database: the database is unavailable").await;
    cable.mend();
    program.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_an_outage_too_and_does_not_hold_up_a_stop() {
    let database = TestDatabase::create().await;
    let cable = Cable::to(database.url()).await;
    let mut program = Program::start(&mut napper_on(cable.url()));
    wait_until("its row says ready", SOON, async || states(&database).await == ["ready"]).await;
    cable.hold();
    program.answers("/readyz", 503, "database: the database did not answer in time").await;
    program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(program.ended().await.code(), Some(0));
    program.says("could not record the stop in the database").await;
    assert_eq!(states(&database).await, ["ready"], "its last word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_the_database() {
    let database = TestDatabase::create().await;
    let cable = Cable::to(database.url()).await;
    cable.cut();
    let program = Program::start(&mut napper_on(cable.url()));
    program.answers("/readyz", 503, "database: the database is unavailable").await;
    cable.mend();
    program.answers("/readyz", 200, "ready").await;
    program.says("the database is available now").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_the_migrations() {
    let database = TestDatabase::empty().await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 503, "run the migrations: cargo run -p migrate -- up").await;
    assert_eq!(program.get("/livez").await.0, 200);
}

/// Whether new sessions of the test's database can write.
async fn set_read_only(database: &TestDatabase, on: bool) {
    let (name, value) = (database.url().database(), if on { "on" } else { "off" });
    on_server(database, &format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_waits_for_a_database_that_can_write() {
    let database = TestDatabase::create().await;
    set_read_only(&database, true).await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 503, "sessions are read-only").await;
    program.answers("/readyz", 503, "target_session_attrs=any").await;
    assert_eq!(program.get("/livez").await.0, 200);
    set_read_only(&database, false).await;
    program.answers("/readyz", 200, "ready").await;
    wait_until("its row says ready", SOON, async || states(&database).await == ["ready"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_can_no_longer_write_is_noticed_and_forgiven() {
    let database = TestDatabase::create().await;
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 200, "ready").await;
    set_read_only(&database, true).await;
    let name = database.url().database();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    on_server(&database, &end).await;
    program.answers("/readyz", 503, "sessions are read-only").await;
    set_read_only(&database, false).await;
    program.answers("/readyz", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_made_read_only_is_replaced() {
    let database = TestDatabase::create().await;
    let name = database.url().database();
    let program = Program::start(&mut napper_on(database.url()));
    program.answers("/readyz", 200, "ready").await;
    // As by ALTER SYSTEM and a reload, without the other tests of this server: the row itself refuses.
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE SQLSTATE '25006' USING MESSAGE = 'cannot execute UPDATE in a read-only transaction'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON sides.instances FOR EACH ROW EXECUTE FUNCTION refuse()";
    let mut connection = database.connect().await;
    let backends = format!(
        "SELECT string_agg(pid::text, ',' ORDER BY pid) AS line FROM pg_stat_activity
         WHERE datname = '{name}' AND application_name LIKE 'napper@%'"
    );
    let before = lines(&database, &backends).await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, refuse).await.unwrap();
    program.answers("/readyz", 503, "read-only transaction").await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, "DROP FUNCTION refuse CASCADE")
        .await
        .unwrap();
    program.answers("/readyz", 200, "ready").await;
    assert_ne!(lines(&database, &backends).await, before, "another session beats now");
}
