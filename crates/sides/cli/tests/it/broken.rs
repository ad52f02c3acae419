//! A build that breaks when visitors have it already: it is taken out, and whatever was done meanwhile there is a way to
//! builds that serve.

use std::time::{Duration, Instant};

use diesel::{QueryableByName, sql_types::Integer};
use diesel_async::RunQueryDsl as _;
use platform::prober::{Plan, Prober};
use serde_json::Value;
use testing::{TestDatabase, wait_until};

use crate::{
    host::Dev,
    release_faults::until_stage,
    releasing::{ended, receipt, released, run, shown},
    sandbox::{PATIENCE, Sandbox},
    toy,
};

/// Far less than a watch lasts, and enough for two busy cores.
const SECONDS: Duration = Duration::from_secs(20);

/// Clients that forgive nothing.
fn clients(sandbox: &Sandbox) -> Prober {
    let address =
        sandbox.status()["address"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let pause = Duration::from_millis(10);
    Prober::start(&Plan { address, path: "/".to_owned(), fresh: 2, kept: 2, pause })
}

/// Releases a web of this version, unwatched, which then answers 500.
async fn release_broken(sandbox: &Sandbox, version: &str) {
    toy::write_program(sandbox, "web", &toy::program(version));
    ended(&run(sandbox, &["release", "--bake", "0"]).await, 0);
    toy::ask(sandbox, "fail", version);
}

fn releases(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.run(&["releases", "--json"]);
    serde_json::from_slice(&listed.stdout).unwrap()
}

fn seen(sandbox: &Sandbox) -> Vec<String> {
    releases(sandbox).iter().map(|one| one["seen"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_that_breaks_while_it_is_watched_is_taken_out_within_seconds() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    let clients = clients(&sandbox);
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let release = Dev::start(sandbox.sides(&["release", "--bake", "60", "--json"]));
    until_stage(&sandbox, "watch", "begun").await;
    let mut release = release;
    toy::ask(&sandbox, "fail", "two");
    let broken_at = Instant::now();
    assert_eq!(release.ended().await.code(), Some(6), "{}", release.said());
    assert!(broken_at.elapsed() < SECONDS, "undone after {:?}", broken_at.elapsed());
    assert_eq!(shown(&sandbox).await, "one of first");
    let before = clients.seen();
    wait_until("clients are served again", PATIENCE, async || clients.seen().good > before.good + 100).await;
    let seen_by_clients = clients.end().await;
    assert_eq!(
        seen_by_clients.failed(),
        before.failed(),
        "the broken web still answers: {seen_by_clients:?}"
    );
    let only_its_own = seen_by_clients.failures.keys().all(|failure| failure.contains("500"));
    assert!(only_its_own, "nobody failed but whom the broken web answered: {:?}", seen_by_clients.failures);
    assert_eq!(seen(&sandbox), ["undone", "good"]);

    // The mended build is another one; the broken one stays broken.
    toy::write_program(&sandbox, "web", &toy::program("three"));
    ended(&run(&sandbox, &["release", "--bake", "1"]).await, 0);
    assert_eq!(shown(&sandbox).await, "three of first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_web_is_released_over_a_broken_one_that_nobody_took_out() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    release_broken(&sandbox, "two").await;
    let clients = clients(&sandbox);
    wait_until("visitors fail", PATIENCE, async || clients.seen().failed() > 10).await;
    toy::write_program(&sandbox, "web", &toy::program("three"));
    let receipt = receipt(&run(&sandbox, &["release", "--bake", "3", "--json"]).await, 0);
    assert_eq!(shown(&sandbox).await, "three of first", "{receipt}");
    let mended = clients.seen();
    wait_until("clients are served", PATIENCE, async || clients.seen().good > mended.good + 100).await;
    assert_eq!(clients.end().await.failed(), mended.failed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_survives_a_broken_build_a_scale_to_nothing_and_a_second_broken_build() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    release_broken(&sandbox, "two").await;
    ended(&run(&sandbox, &["scale", "web", "0"]).await, 0);
    let back = ended(&run(&sandbox, &["rollback", "--bake", "1"]).await, 0);
    assert!(back.contains("has 1 instance again"), "{back}");
    assert_eq!(shown(&sandbox).await, "one of first");

    let all = releases(&sandbox);
    assert_eq!(
        all.iter().filter(|one| one["runs"] == true).count(),
        2,
        "the first, and the way back to it: {all:?}"
    );
    let two = all.iter().find(|one| one["runs"] == false).unwrap();
    assert_eq!((&two["seen"], &two["kept"]), (&"good".into(), &true.into()));
    toy::ask_no_more(&sandbox, "fail", "two");
    ended(&run(&sandbox, &["rollback", "--to", &two["number"].to_string(), "--bake", "1"]).await, 0);
    assert_eq!(shown(&sandbox).await, "two of first");
    let one = all[0]["builds"]["web"].as_str().unwrap();
    ended(&run(&sandbox, &["release", "--build", &one[..12], "--bake", "1"]).await, 0);
    assert_eq!(shown(&sandbox).await, "one of first");
    let unknown = ended(&run(&sandbox, &["rollback", "--to", "99"]).await, 1);
    assert!(unknown.contains("there is no release 99"), "{unknown}");
    let unknown = ended(&run(&sandbox, &["release", "--build", "zz"]).await, 1);
    assert!(unknown.contains("no build kept here starts with"), "{unknown}");
}

/// The session by which a release is the only one; 0 while it has none.
async fn session_of_the_release(database: &TestDatabase) -> i32 {
    #[derive(QueryableByName)]
    struct Session {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    let query = "SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid) \
         WHERE application_name LIKE 'sides release %' AND locktype = 'advisory' AND granted \
         AND datname = current_database()";
    let sessions: Vec<Session> = diesel::sql_query(query).load(&mut database.connect().await).await.unwrap();
    sessions.into_iter().next().map_or(0, |session| session.pid)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_breaks_off_the_release_that_goes_on() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    toy::write_program(&sandbox, "web", &toy::program("two"));
    let mut release = Dev::start(sandbox.sides(&["release", "--bake", "600"]));
    until_stage(&sandbox, "watch", "begun").await;
    let first = session_of_the_release(&database).await;
    assert_ne!(first, 0, "a release says by its session's name which it is");
    let mut connection = database.connect().await;
    let end = format!("SELECT pg_terminate_backend({first})");
    diesel::sql_query(end).execute(&mut connection).await.unwrap();
    wait_until("the release has another session", PATIENCE, async || {
        ![0, first].contains(&session_of_the_release(&database).await)
    })
    .await;
    let second = ended(&run(&sandbox, &["release"]).await, 1);
    assert!(
        second.contains("another release is in progress") && second.contains("watch for 600 s"),
        "{second}"
    );
    let back = ended(&run(&sandbox, &["rollback", "--bake", "1"]).await, 0);
    assert!(back.contains("was stopped"), "{back}");
    assert!(!release.ended().await.success());
    assert_eq!(shown(&sandbox).await, "one of first");
    assert_eq!(seen(&sandbox), ["good", "never_judged", "good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_can_never_work_are_refused_before_a_build() {
    let database = TestDatabase::create().await;
    let (sandbox, _host) = released(&database).await;
    toy::write_program(&sandbox, "web", "this does not compile");
    let refused = ended(&run(&sandbox, &["release", "--probe", "nope"]).await, 2);
    assert!(refused.contains("a path starts with a slash: /nope"), "{refused}");
}
