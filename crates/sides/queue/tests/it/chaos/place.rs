//! A Postgres to restart, and workers to harm.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use database::DatabaseUrl;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use postgres::{Cluster, Opened, Settings};
use tempfile::TempDir;
use testing::{Cable, Program, example};
use tokio::task::JoinHandle;

use super::{
    check::{Blow, Run, Time},
    witness::{Probe, now, read, session},
};
use crate::fixture::text;

/// A server of this test's own.
pub(crate) struct Server {
    folder: TempDir,
    cluster: Option<Cluster>,
    pub(crate) url: DatabaseUrl,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = open(folder.path()).await;
        let url: DatabaseUrl = cluster.url().parse().unwrap();
        migrate::up(&url, &migrate::chassis().expect("the chassis' migrations are whole"))
            .await
            .expect("the migrations apply");
        Self { folder, cluster: Some(cluster), url }
    }

    /// As `pg_ctl restart -m immediate` (SIGQUIT) or `-m fast` (SIGINT) does it.
    pub(crate) async fn restart(&mut self, how: Signal) {
        self.stop(how).await;
        self.start_again().await;
    }

    pub(crate) async fn stop(&mut self, how: Signal) {
        let mut c = database::connect(&self.url).await.unwrap();
        let data = text(&mut c, "SELECT current_setting('data_directory')").await;
        drop(c);
        let file = fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        let pid: i32 = file.lines().next().unwrap().trim().parse().unwrap();
        kill(Pid::from_raw(pid), how).unwrap();
        let cluster = self.cluster.take().expect("it runs");
        cluster.ended().await;
    }

    pub(crate) async fn start_again(&mut self) {
        self.cluster = Some(open(self.folder.path()).await);
    }
}

/// Durable as far as a killed server goes: the machine itself stays up.
async fn open(folder: &Path) -> Cluster {
    let options = [("fsync", "off"), ("max_connections", "200")];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    match Cluster::open(folder, Settings { options, ..Settings::default() }).await.expect("Postgres starts") {
        Opened::Started(cluster) => cluster,
        Opened::Running { .. } => panic!("nobody else runs it"),
    }
}

/// One incarnation of a worker, behind a cable of its own.
pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) program: Program,
    diary: PathBuf,
    /// Goes the way that the worker goes.
    probe: Probe,
    cable: Arc<Cable>,
    /// It stands still, or hears nothing, at the moment.
    away: Arc<AtomicBool>,
}

impl Worker {
    pub(super) async fn start(url: &DatabaseUrl, number: usize, folder: &Path, lease: Duration) -> Self {
        let cable = Cable::to(url).await;
        let probe = Probe::start(cable.url().clone());
        let diary = folder.join(session(number));
        let mut command = Command::new(example("chaos_worker"));
        command.env("CHAOS_DATABASE_URL", cable.url().with_application_name(&session(number)).expose());
        command.env("CHAOS_DIARY", &diary).env("CHAOS_LEASE_MS", lease.as_millis().to_string());
        let program = Program::start(&mut command);
        Self { number, program, diary, probe, cable: Arc::new(cable), away: Arc::default() }
    }

    /// What it did, and when the machine or the way to the database held it up.
    pub(super) fn diary(&self) -> (Vec<Run>, Vec<Blow>) {
        let (runs, mut blows) = read(&self.diary, self.number);
        blows.extend(self.probe.absences());
        (runs, blows)
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// `kill -9`, seen through to the end.
    pub(super) async fn kill(&mut self) -> Blow {
        self.program.signal(Signal::SIGKILL);
        self.program.ended().await;
        self.probe.end();
        Blow::Killed(now())
    }

    /// Stands still for so long.
    pub(super) fn stop(&self, time: Duration) -> JoinHandle<(usize, Blow)> {
        let pid = Pid::from_raw(i32::try_from(self.program.id()).expect("a process' id fits"));
        self.away_for(
            time,
            move || kill(pid, Signal::SIGSTOP).unwrap(),
            move || kill(pid, Signal::SIGCONT).unwrap(),
        )
    }

    /// Neither hears nor is heard for so long, and its connections say nothing of it.
    pub(super) fn hold(&self, time: Duration) -> JoinHandle<(usize, Blow)> {
        let (cable, same) = (Arc::clone(&self.cable), Arc::clone(&self.cable));
        let mend = move || {
            same.cut();
            same.mend();
        };
        self.away_for(time, move || cable.hold(), mend)
    }

    /// Its connections end, and there are none for so long.
    pub(super) fn cut(&self, time: Duration) -> JoinHandle<(usize, Blow)> {
        let (cable, same) = (Arc::clone(&self.cable), Arc::clone(&self.cable));
        self.away_for(time, move || cable.cut(), move || same.mend())
    }

    fn away_for(
        &self,
        time: Duration,
        begin: impl FnOnce() + Send + 'static,
        end: impl FnOnce() + Send + 'static,
    ) -> JoinHandle<(usize, Blow)> {
        let (number, away) = (self.number, Arc::clone(&self.away));
        away.store(true, Ordering::Release);
        let from: Time = now();
        begin();
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            end();
            away.store(false, Ordering::Release);
            (number, Blow::Hindered(from, now()))
        })
    }
}
