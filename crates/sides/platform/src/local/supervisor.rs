//! Supervises all processes of a workspace.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::Utc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    follow::{Readers, follow},
    keeper::Keeper,
    launch::Launch,
    lifetime::{self, InstanceFiles, Lifetime},
    logs::Log,
    orphan::{self, Orphan},
    output::Line,
    ports::Ports,
    restart::Policy,
    spawn::Spawner,
    status::{Event, ProcessStatus, State},
};

/// How many printed lines may wait for their reader before the processes that print have to wait too.
const LINES_WAITING: usize = 1024;

/// What can be seen of a [`Supervisor`]'s processes.
pub struct Watch {
    /// What they print, each process in its order.
    pub lines: mpsc::Receiver<Line>,
    /// What happens to them.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// What each does right now, in the order they were given.
    pub statuses: watch::Receiver<Vec<ProcessStatus>>,
    /// Those that take more memory than they may: whoever keeps the supervisor should [restart](Supervisor::restart)
    /// them.
    pub heavy: mpsc::UnboundedReceiver<Heavy>,
}

/// An instance that takes too much memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heavy {
    /// Its process.
    pub process: String,
    /// Its number.
    pub instance: u64,
    /// What it takes, in bytes.
    pub bytes: u64,
    /// What it may take.
    pub limit: u64,
}

/// Keeps processes running until it is drained. Dropping it kills them, unless their [`Lifetime`] is another.
///
/// How the number of instances changes, and how one release follows another, is in `instances`.
pub struct Supervisor {
    pub(super) shared: Arc<Shared>,
    keepers: JoinSet<()>,
    /// The instances that count: not those that leave, nor those that nobody knows to be good yet.
    pub(super) kept: Vec<Kept>,
    /// At most one of each process, beside those that count.
    pub(super) canaries: Vec<Kept>,
    next_instance: u64,
}

/// An instance that counts.
pub(super) struct Kept {
    pub(super) instance: u64,
    pub(super) launch: Launch,
    pub(super) stop: CancellationToken,
}

/// What all keepers use.
pub(super) struct Shared {
    pub(super) spawner: Spawner,
    pub(super) client: reqwest::Client,
    pub(super) policy: Policy,
    pub(super) ports: Arc<Ports>,
    pub(super) lines: mpsc::Sender<Line>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) heavy: mpsc::UnboundedSender<Heavy>,
    pub(super) statuses: watch::Sender<Vec<ProcessStatus>>,
    pub(super) drain: CancellationToken,
    pub(super) kill: CancellationToken,
    pub(super) drain_limit: Duration,
    pub(super) lifetime: Lifetime,
    logs: Mutex<HashMap<String, Arc<Mutex<Log>>>>,
}

impl Shared {
    /// The log that the instances of a process share; none where children are bound, or when it cannot be opened.
    pub(super) fn log_of(&self, process: &str) -> Option<Arc<Mutex<Log>>> {
        let Lifetime::Outliving { logs: folder, .. } = &self.lifetime else { return None };
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(process) {
            return Some(Arc::clone(log));
        }
        let log = Arc::new(Mutex::new(Log::open(folder, process).ok()?));
        logs.insert(process.to_owned(), Arc::clone(&log));
        Some(log)
    }
}

impl Supervisor {
    /// A supervisor without processes, inside a tokio runtime.
    ///
    /// `client` asks whether they answer: it should use no proxy and follow no redirect. `ports` are those
    /// given out already. A process that has not ended `drain_limit` after it was asked to is killed. `lifetime` says
    /// whether processes may outlive the supervisor.
    ///
    /// # Errors
    /// When the thread that starts children cannot be made.
    pub fn new(
        client: reqwest::Client,
        policy: Policy,
        ports: Arc<Ports>,
        drain_limit: Duration,
        lifetime: Lifetime,
    ) -> io::Result<(Self, Watch)> {
        let (lines, lines_received) = mpsc::channel(LINES_WAITING);
        let (events, events_received) = mpsc::unbounded_channel();
        let (heavy, heavy_received) = mpsc::unbounded_channel();
        let (statuses, statuses_seen) = watch::channel(Vec::new());
        let shared = Shared {
            spawner: Spawner::start()?,
            client,
            policy,
            ports,
            lines,
            events,
            heavy,
            statuses,
            drain: CancellationToken::new(),
            kill: CancellationToken::new(),
            drain_limit,
            lifetime,
            logs: Mutex::default(),
        };
        let watch = Watch {
            lines: lines_received,
            events: events_received,
            statuses: statuses_seen,
            heavy: heavy_received,
        };
        let mut supervisor = Self {
            shared: Arc::new(shared),
            keepers: JoinSet::new(),
            kept: Vec::new(),
            canaries: Vec::new(),
            next_instance: 1,
        };
        supervisor.reap();
        Ok((supervisor, watch))
    }

    /// Reads the last words of instances that died while nobody watched, and forgets them.
    fn reap(&mut self) {
        let Lifetime::Outliving { run_folder, .. } = self.shared.lifetime.clone() else { return };
        // Where it cannot be moved it is used where it is.
        drop(lifetime::move_former_folder(&run_folder));
        let alive = orphan::orphans(&run_folder);
        for (process, instance) in lifetime::instances_with_files(&run_folder) {
            self.next_instance = self.next_instance.max(instance + 1);
            if alive.iter().any(|orphan| orphan.process == process && orphan.instance == instance) {
                continue;
            }
            let files = InstanceFiles::of(&run_folder, &process, instance);
            let readers = Readers { log: self.shared.log_of(&process), lines: self.shared.lines.clone() };
            let ended = CancellationToken::new();
            ended.cancel();
            self.keepers.spawn(async move {
                follow(process, files.clone(), readers, ended).await;
                files.remove();
            });
        }
    }

    /// Starts one more instance of a process and keeps it running from now on.
    pub fn keep(&mut self, launch: Launch) {
        let kept = self.start(launch);
        self.kept.push(kept);
    }

    /// Goes on with an instance that outlived the supervisor which started it. One that `stays` is kept, as what `launch`
    /// says when it must be started again; any other is asked to end, unless it was already.
    pub fn adopt(&mut self, launch: Launch, orphan: Orphan, stays: bool) {
        let kept = self.begin(launch, Some(orphan));
        match stays {
            true => self.kept.push(kept),
            false => kept.stop.cancel(),
        }
    }

    pub(super) fn start(&mut self, launch: Launch) -> Kept {
        self.begin(launch, None)
    }

    pub(super) fn begin(&mut self, launch: Launch, orphan: Option<Orphan>) -> Kept {
        let instance = orphan.as_ref().map_or(self.next_instance, |orphan| orphan.instance);
        self.next_instance = self.next_instance.max(instance + 1);
        let status = ProcessStatus {
            name: launch.procfile.name.clone(),
            instance,
            release: match &orphan {
                Some(orphan) => orphan.release.clone(),
                None => launch.release.clone(),
            },
            state: State::Starting,
            since: Utc::now(),
            started_at: None,
            pid: None,
            ops_address: None,
            memory: None,
            restarts: orphan.as_ref().map_or(0, |orphan| orphan.restarts),
            deaths: 0,
            reason: None,
        };
        self.shared.statuses.send_modify(|statuses| {
            // Beside the instance that it may replace.
            let beside = statuses.iter().rposition(|other| other.name == status.name);
            statuses.insert(beside.map_or(statuses.len(), |at| at + 1), status);
        });
        let stop = self.shared.drain.child_token();
        let keeper = Keeper::new(launch.clone(), instance, Arc::clone(&self.shared), stop.clone());
        self.keepers.spawn(keeper.run(orphan));
        Kept { instance, launch, stop }
    }

    /// Cancelling it ends every process at once, without a drain: for a person who does not want to wait.
    #[must_use]
    pub fn kill_token(&self) -> CancellationToken {
        self.shared.kill.clone()
    }

    /// Asks every process to end and waits until all have; those that take too long are killed.
    pub async fn drain(mut self) {
        self.shared.drain.cancel();
        while self.keepers.join_next().await.is_some() {}
    }
}
