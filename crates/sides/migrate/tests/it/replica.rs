//! A backfill beside a real replica that falls behind.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::Path,
    time::{Duration, Instant},
};

use database::DatabaseUrl;
use postgres::{Cluster, Opened, Settings};
use sides_migrate::{Event, Migration, Options, PaceOptions};
use tempfile::TempDir;
use testing::wait_until;
use tokio_postgres::{Client, config::Host};

use crate::lane::{Heard, ask, hasty, lane};

const PATIENCE: Duration = Duration::from_secs(60);
const TABLE: &str =
    "CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0, filler text DEFAULT repeat('x', 100));
                     INSERT INTO t SELECT generate_series(1, 200000)";

async fn open(folder: &Path) -> (Cluster, DatabaseUrl) {
    let settings = Settings { durable: false, ..Settings::default() };
    let Opened::Started(cluster) = Cluster::open(folder, settings).await.unwrap() else {
        panic!("it runs already")
    };
    let url = cluster.url().parse().unwrap();
    (cluster, url)
}

/// A copy of the server's data that follows it.
fn base_backup(primary: &Path, url: &DatabaseUrl, folder: &Path) {
    let config: tokio_postgres::Config = url.expose().parse().unwrap();
    let Host::Unix(socket) = &config.get_hosts()[0] else { panic!("{url:?} has no socket") };
    // Who owns the one owns the other.
    let owner = fs::metadata(primary.join("data")).unwrap();
    fs::create_dir(folder).unwrap();
    std::os::unix::fs::chown(folder, Some(owner.uid()), Some(owner.gid())).unwrap();
    let program = postgres::program("pg_basebackup").unwrap_or_else(|| "pg_basebackup".into());
    let output = std::process::Command::new(program)
        .arg("--dbname")
        .arg(format!("host={} port=5432 user={}", socket.display(), config.get_user().unwrap()))
        .arg("--pgdata")
        .arg(folder.join("data"))
        .args(["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"])
        .current_dir("/")
        .uid(owner.uid())
        .gid(owner.gid())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn batches(eye: &Client) -> i64 {
    ask(eye, "SELECT coalesce(max(batches), 0) FROM sides_migrate.backfills").await.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_follows_a_replica_that_falls_behind() {
    let folder = tempfile::Builder::new().prefix("sides-test-").tempdir().unwrap();
    // The servers run as another user when the tests run as root.
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (primary, standby) = (folder.path().join("primary"), folder.path().join("standby"));
    let (first, url) = open(&primary).await;
    base_backup(&primary, &url, &standby);
    let (second, standby_url) = open(&standby).await;
    assert_follows(&url, &standby_url).await;
    second.stop().await;
    first.stop().await;
    drop::<TempDir>(folder);
}

async fn assert_follows(url: &DatabaseUrl, standby_url: &DatabaseUrl) {
    let fill =
        Migration::new("2_m", "UPDATE t SET n = n + 1", "").with_metadata("phase = \"backfill\"").unwrap();
    let all = [lane(&[(TABLE, "")]).remove(0), fill];
    sides_migrate::apply(url, &all[..1], &hasty(), &mut |_| {}).await.unwrap();
    let (eye, replica) = (
        database::client(url).await.unwrap(),
        database::client(&standby_url.with_target(database::Target::Standby)).await.unwrap(),
    );
    wait_until("the replica has the table", PATIENCE, async || {
        ask(&replica, "SELECT to_regclass('t') IS NOT NULL").await == "true"
            && ask(&eye, "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()")
                .await
                == "1"
    })
    .await;
    ask(&replica, "SELECT pg_wal_replay_pause()::text").await;
    wait_until("the replay is paused", PATIENCE, async || {
        ask(&replica, "pg_get_wal_replay_pause_state()").await == "paused"
    })
    .await;

    let pace = PaceOptions {
        batch: Duration::from_millis(20),
        share: 1.0,
        // Far more than one batch writes: what the replica has not heard of yet is no lag.
        replica_bytes: 5_000_000,
        // Only its distance counts here, not how busy this machine is.
        replica_lag: Duration::from_secs(3600),
        active: i64::MAX,
    };
    let (options, heard) = (Options { pace, ..hasty() }, Heard::default());
    let (own, mut listener) = (url.clone(), heard.listener());
    let runner = tokio::spawn(async move { sides_migrate::apply(&own, &all, &options, &mut listener).await });
    let slow = "SELECT max(slow) FROM sides_migrate.backfills";
    wait_until("it goes slowly", PATIENCE, async || ask(&eye, slow).await == "a replica is behind").await;
    // From here on each rest is twice the one before, a quarter of a second at first.
    let (since, then) = (Instant::now(), batches(&eye).await);
    wait_until("three more batches", PATIENCE, async || batches(&eye).await >= then + 3).await;
    assert!(since.elapsed() > Duration::from_millis(1400), "it went on as before: {:?}", since.elapsed());
    assert!(!runner.is_finished());

    ask(&replica, "SELECT pg_wal_replay_resume()::text").await;
    // A quick machine may be done with its next batch: then that was the last word on its pace.
    wait_until("it no longer waits for the replica", PATIENCE, async || {
        ask(&eye, slow).await != "a replica is behind" || runner.is_finished()
    })
    .await;
    let told = |event: &Event| matches!(event, Event::Progress { slow: Some(why), .. } if why == "a replica is behind");
    assert!(heard.count(told) > 0, "{:?}", heard.all());
    runner.abort();
    // The checkpoint is of the rows' own transaction.
    let done =
        "SELECT (SELECT count(*) FROM t WHERE n = 1) = (SELECT sum(changed) FROM sides_migrate.backfills)
                   AND (SELECT max(n) FROM t) = 1";
    assert_eq!(ask(&eye, done).await, "true");
}
