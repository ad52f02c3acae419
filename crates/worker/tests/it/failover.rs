//! The primary is lost, its standby takes over, and the worker goes on, by the one address that names both.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use database::{Connection, DatabaseUrl, Target};
use diesel::{QueryableByName, sql_types};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use testing::{Member, TestDatabase, wait_until};

use crate::{fixture::PATIENCE, processes};

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    text: String,
}

async fn text(connection: &mut Connection, query: &str) -> String {
    let row: diesel::QueryResult<Text> =
        diesel::sql_query(format!("SELECT ({query})::text AS text")).get_result(connection).await;
    row.unwrap_or_else(|error| panic!("{query}: {error}")).text
}

/// Enqueues as a web would, through a pool, and keeps what was acknowledged.
async fn load(url: DatabaseUrl, accepted: Arc<Mutex<Vec<String>>>, stop: Arc<AtomicBool>) {
    let pool = database::pool(&url, 4);
    while !AtomicBool::load(&stop, Ordering::Relaxed) {
        let enqueued = async {
            let mut connection = pool.get().await.ok()?;
            let query = diesel::sql_query("SELECT sides.enqueue('prune_history')::text AS text");
            let row: Text = query.get_result(&mut *connection).await.ok()?;
            Some(row.text)
        };
        // A commit that waits for a standby which is gone is not acknowledged.
        if let Ok(Some(id)) = tokio::time::timeout(Duration::from_secs(5), enqueued).await {
            accepted.lock().unwrap().push(id);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_accepted_and_replicated_is_lost() {
    let folder = tempfile::Builder::new().prefix("sides-failover-").tempdir().unwrap();
    // The servers run as another user when the tests run as root.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut old = Member::primary(folder.path().join("old")).await;
    migrate::up(old.url(), &testing::schema::migrations()).await.unwrap();
    let new = old.followed_by(folder.path().join("new")).await;
    let both = old.and(&new);
    let mut primary = database::connect(old.url()).await.unwrap();
    let synchronous = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    primary.batch_execute(synchronous).await.unwrap();
    primary.batch_execute("ALTER SYSTEM SET synchronous_commit = 'remote_apply'").await.unwrap();
    primary.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    wait_until("the standby is waited for", PATIENCE, async || text(&mut primary, follows).await == "1")
        .await;

    let worker = processes::start(&both);
    worker.answers("/readyz", 200, "ready").await;
    let (accepted, stop) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
    let loading = tokio::spawn(load(both.clone(), accepted.clone(), stop.clone()));
    wait_until("work is done", PATIENCE, async || accepted.lock().unwrap().len() > 20).await;
    drop(primary);

    // The machine is lost in the middle of it.
    old.stop().await;
    let before = accepted.lock().unwrap().len();
    let standby = new.url().with_target(Target::Standby);
    let mut promoted = database::connect(&standby).await.unwrap();
    assert_eq!(text(&mut promoted, "SELECT pg_promote(true, 60)").await, "true");
    let since = Instant::now();
    // It copied the setting that it waits for a standby, and has none.
    let alone = database::connect(&new.url().with_target(Target::Any)).await;
    let mut alone = alone.unwrap();
    alone.batch_execute("ALTER SYSTEM RESET synchronous_standby_names").await.unwrap();
    alone.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    wait_until("what is new is accepted", PATIENCE, async || accepted.lock().unwrap().len() > before + 5)
        .await;
    worker.answers("/readyz", 200, "ready").await;
    let back = since.elapsed();
    assert!(back < Duration::from_secs(15), "{back:?} until all worked again");

    // The old one comes back and believes what it knew, but cannot write.
    old.restart_with("default_transaction_read_only = on\nsynchronous_standby_names = ''").await;
    let then = accepted.lock().unwrap().len();
    wait_until("it goes on", PATIENCE, async || accepted.lock().unwrap().len() > then + 20).await;
    // Sessions that end now are not opened at the old one, although its name comes first.
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    text(&mut alone, end).await;
    let then = accepted.lock().unwrap().len();
    wait_until("it goes on", PATIENCE, async || accepted.lock().unwrap().len() > then + 20).await;
    old.stop().await;
    worker.answers("/readyz", 200, "ready").await;
    AtomicBool::store(&stop, true, Ordering::Relaxed);
    loading.await.unwrap();

    let accepted = accepted.lock().unwrap().clone();
    let waiting = "SELECT count(*) FROM sides.fang_tasks WHERE kind = 'prune_history'";
    wait_until("all is worked off", PATIENCE, async || text(&mut alone, waiting).await == "0").await;
    let list = accepted.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(",");
    let lost = format!(
        "SELECT coalesce(string_agg(id, ' '), '') FROM unnest(ARRAY[{list}]) AS accepted (id)
         WHERE NOT EXISTS (SELECT FROM sides.job_history AS past
                           WHERE past.id = accepted.id::uuid AND past.outcome = 'finished')"
    );
    assert_eq!(text(&mut alone, &lost).await, "", "of {} accepted", accepted.len());
    println!("{} jobs, all worked again {back:?} after the promotion", accepted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_began_while_nothing_could_be_written_works_once_it_can() {
    let database = TestDatabase::create().await;
    let name = database.url().database().to_owned();
    let mut server = database::connect(&database.url().with_database("postgres")).await.unwrap();
    let read_only =
        |value: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
    server.batch_execute(&read_only("on")).await.unwrap();
    let worker = processes::start(database.url());
    worker.answers("/readyz", 503, "read-only").await;
    server.batch_execute(&read_only("off")).await.unwrap();
    let since = Instant::now();
    let mut connection = database.connect().await;
    let id = text(&mut connection, "SELECT sides.enqueue('prune_history')").await;
    let done = format!("SELECT count(*) FROM sides.job_history WHERE id = '{id}' AND outcome = 'finished'");
    wait_until("it is done", PATIENCE, async || text(&mut connection, &done).await == "1").await;
    worker.answers("/readyz", 200, "ready").await;
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());

    // Its sessions end, and those that it opens then cannot write: it says so, lease and notifications included.
    server.batch_execute(&read_only("on")).await.unwrap();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = '{name}' AND application_name LIKE 'worker@%'"
    );
    server.batch_execute(&end).await.unwrap();
    worker.answers("/readyz", 503, "lease: ").await;
    worker.answers("/readyz", 503, "notifications: ").await;
    server.batch_execute(&read_only("off")).await.unwrap();
    worker.answers("/readyz", 200, "ready").await;
    let mut connection = database.connect().await;
    let id = text(&mut connection, "SELECT sides.enqueue('prune_history')").await;
    let done = format!("SELECT count(*) FROM sides.job_history WHERE id = '{id}' AND outcome = 'finished'");
    wait_until("it is done", PATIENCE, async || text(&mut connection, &done).await == "1").await;
}
