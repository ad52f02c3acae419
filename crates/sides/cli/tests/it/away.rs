//! Postgres goes away for some seconds in the middle of a release: it is waited for, nothing is undone, and the receipt says
//! so.

use std::time::Duration;

use postgres::{Cluster, Opened, Settings};

use crate::{
    host::Dev,
    release_faults::until_stage,
    releasing::{ended, shown},
    sandbox::Sandbox,
    toy,
};

/// As long as a failover takes.
const AWAY: Duration = Duration::from_secs(10);

/// A release that waits for Postgres takes its time anyway, and more on a machine that others keep busy.
const ENDS_WITHIN: Duration = Duration::from_secs(240);

struct Server {
    folder: std::path::PathBuf,
    cluster: Option<Cluster>,
}

impl Server {
    async fn start(sandbox: &Sandbox) -> Self {
        let mut server = Self { folder: sandbox.file("a-postgres"), cluster: None };
        server.open().await;
        server
    }

    async fn open(&mut self) {
        let settings = Settings { durable: false, ..Settings::default() };
        match Cluster::open(&self.folder, settings).await.unwrap() {
            Opened::Started(cluster) => self.cluster = Some(cluster),
            other => panic!("somebody runs it: {other:?}"),
        }
    }

    fn url(&self) -> String {
        self.cluster.as_ref().unwrap().url().to_owned()
    }

    async fn leave(&mut self) {
        self.cluster.take().unwrap().stop().await;
    }

    /// Away, and back.
    async fn go_away(&mut self) {
        self.leave().await;
        tokio::time::sleep(AWAY).await;
        self.open().await;
    }
}

fn start(sandbox: &Sandbox, server: &Server, arguments: &[&str]) -> Dev {
    let mut command = sandbox.sides(arguments);
    command.env("DATABASE_URL", server.url());
    Dev::start(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_in_a_step_or_in_the_watch_undoes_nothing() {
    let sandbox = Sandbox::with(&["web"]).with_migrations();
    toy::write_workspace(&sandbox);
    let mut server = Server::start(&sandbox).await;
    let mut up = sandbox.sides(&["migration", "up"]);
    ended(&up.env("DATABASE_URL", server.url()).output().unwrap(), 0);
    let mut host = start(&sandbox, &server, &["host", "--port", "0"]);
    host.says("web has not been released yet").await;
    let mut first = start(&sandbox, &server, &["release", "--bake", "0"]);
    assert_eq!(first.ended_within(ENDS_WITHIN).await.code(), Some(0), "{}", first.said());

    toy::write_program(&sandbox, "web", &toy::program("two"));
    let mut release = start(&sandbox, &server, &["release", "--bake", "4"]);
    until_stage(&sandbox, "watch", "begun").await;
    // A web that needs the database fails without it.
    toy::ask(&sandbox, "fail", "two");
    server.go_away().await;
    toy::ask_no_more(&sandbox, "fail", "two");
    assert_eq!(release.ended_within(ENDS_WITHIN).await.code(), Some(0), "{}", release.said());
    assert!(release.said().contains("the database was unavailable"), "{}", release.said());
    assert_eq!(shown(&sandbox).await, "two of first");

    // While the new web starts.
    let slow = toy::program("three").replace(
        "unsafe { signal(",
        "while !is_asked(\"start\") { sleep(Duration::from_millis(20)); } unsafe { signal(",
    );
    toy::write_program(&sandbox, "web", &slow);
    let mut release = start(&sandbox, &server, &["release", "--bake", "1"]);
    until_stage(&sandbox, "replace web", "begun").await;
    server.go_away().await;
    toy::ask(&sandbox, "start", "three");
    assert_eq!(release.ended_within(ENDS_WITHIN).await.code(), Some(0), "{}", release.said());
    assert_eq!(shown(&sandbox).await, "three of first");

    // Whoever goes back meanwhile is told, and waits.
    let mut back = sandbox.sides(&["rollback", "--bake", "1"]);
    back.env("DATABASE_URL", server.url());
    server.leave().await;
    let mut back = Dev::start(back);
    back.says("the database is unavailable: waiting for it").await;
    server.open().await;
    assert_eq!(back.ended_within(ENDS_WITHIN).await.code(), Some(0), "{}", back.said());
    assert_eq!(shown(&sandbox).await, "two of first");
}
