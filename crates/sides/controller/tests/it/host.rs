//! A host that runs what the test started: it remembers the orders that it is given.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use chrono::Utc;
use platform::local::{
    ProcessStatus, State,
    control::{Done, Failure, HOST_VARIABLE, Lock, Phase, PostgresState, PostgresStatus, Server, Status},
};
use testing::Program;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(crate) struct Host {
    folder: tempfile::TempDir,
    orders: Arc<Mutex<Vec<String>>>,
    status: watch::Sender<Status>,
    _server: Server,
    _lock: Lock,
}

impl Host {
    /// Every order is answered with this.
    pub(crate) fn that(answer: Result<Done, Failure>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = Lock::take(folder.path()).expect("the folder can be written").expect("nobody else has it");
        let status = watch::Sender::new(nothing());
        let (tasks, mut received) = mpsc::channel(1);
        let server = Server::start(folder.path(), status.subscribe(), CancellationToken::new(), Some(tasks));
        let orders: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = orders.clone();
        tokio::spawn(async move {
            while let Some(task) = received.recv().await {
                let order = task.order;
                let line = format!("{}; {}; {}", order.what, order.why.asked_by, order.why.reason);
                all.lock().expect("no test panics within").push(line);
                drop(task.answer.send(answer.clone()));
            }
        });
        Self { folder, orders, status, _server: server.expect("a place for the socket"), _lock: lock }
    }

    /// The variable that tells a child where the host is.
    pub(crate) fn variable(&self) -> (&'static str, &str) {
        (HOST_VARIABLE, self.path().to_str().expect("the path is text"))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// One more instance that it runs.
    pub(crate) async fn runs(&self, process: &str, instance: u64, program: &Program) {
        let address = program.ops_address().await;
        self.status.send_modify(|status| {
            *status.counts.entry(process.to_owned()).or_default() += 1;
            status.processes.push(ProcessStatus {
                name: process.to_owned(),
                instance,
                release: Some("one".to_owned()),
                state: State::Ready,
                since: Utc::now(),
                started_at: None,
                pid: None,
                ops_address: Some(address.parse().expect("it is an address")),
                memory: None,
                restarts: 0,
                deaths: 0,
                reason: None,
            });
        });
    }

    pub(crate) fn orders(&self) -> Vec<String> {
        self.orders.lock().expect("no test panics within").clone()
    }
}

fn nothing() -> Status {
    Status {
        pid: std::process::id(),
        phase: Phase::Running,
        started_at: Utc::now(),
        address: None,
        admin_token_file: None,
        postgres: PostgresStatus { state: PostgresState::Ready, description: None, reason: None },
        processes: Vec::new(),
        is_host: true,
        releases: BTreeMap::new(),
        counts: BTreeMap::new(),
        canaries: BTreeMap::new(),
        busy_with: None,
        killed: Vec::new(),
    }
}
