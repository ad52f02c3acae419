//! All processes of a workspace together.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    keeper::Keeper,
    launch::Launch,
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
}

/// Keeps processes running until it is drained. Dropping it kills them.
pub struct Supervisor {
    shared: Arc<Shared>,
    keepers: JoinSet<()>,
    /// The copy that counts, by the name of its process.
    kept: HashMap<String, Kept>,
    next_copy: u64,
}

struct Kept {
    copy: u64,
    stop: CancellationToken,
}

/// Why a process still is what it was.
#[derive(Debug, thiserror::Error)]
#[error("the new {process} was not ready: {reason}; the old one goes on")]
pub struct NotReplaced {
    /// The name of the process.
    pub process: String,
    /// What became of the new copy.
    pub reason: String,
}

/// What all keepers use.
pub(super) struct Shared {
    pub(super) spawner: Spawner,
    pub(super) client: reqwest::Client,
    pub(super) policy: Policy,
    pub(super) ports: Arc<Ports>,
    pub(super) lines: mpsc::Sender<Line>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) statuses: watch::Sender<Vec<ProcessStatus>>,
    pub(super) drain: CancellationToken,
    pub(super) kill: CancellationToken,
    pub(super) drain_limit: Duration,
}

impl Supervisor {
    /// A supervisor without processes, inside a tokio runtime.
    ///
    /// `client` asks whether they answer: it should use no proxy and follow no redirect. `ports` are those
    /// given out already. A process that has not ended `drain_limit` after it was asked to is killed.
    ///
    /// # Errors
    /// When the thread that starts children cannot be made.
    pub fn new(
        client: reqwest::Client,
        policy: Policy,
        ports: Arc<Ports>,
        drain_limit: Duration,
    ) -> io::Result<(Self, Watch)> {
        let (lines, lines_received) = mpsc::channel(LINES_WAITING);
        let (events, events_received) = mpsc::unbounded_channel();
        let (statuses, statuses_seen) = watch::channel(Vec::new());
        let shared = Shared {
            spawner: Spawner::start()?,
            client,
            policy,
            ports,
            lines,
            events,
            statuses,
            drain: CancellationToken::new(),
            kill: CancellationToken::new(),
            drain_limit,
        };
        let watch = Watch { lines: lines_received, events: events_received, statuses: statuses_seen };
        let supervisor =
            Self { shared: Arc::new(shared), keepers: JoinSet::new(), kept: HashMap::new(), next_copy: 0 };
        Ok((supervisor, watch))
    }

    /// Starts a process and keeps it running from now on.
    pub fn keep(&mut self, launch: Launch) {
        let name = launch.procfile.name.clone();
        let kept = self.start(launch);
        self.kept.insert(name, kept);
    }

    /// Replaces the kept copy of a process: a new one is started beside it, and when that is ready the old one
    /// is asked to end, which it does in its own time. Both hold the listener meanwhile.
    ///
    /// Dropping the future gives the replacement up.
    ///
    /// # Errors
    /// When the new copy dies before it was ready, or is not ready within `patience`. It is gone then, and the
    /// old one was never disturbed.
    pub async fn roll(&mut self, launch: Launch, patience: Duration) -> Result<(), NotReplaced> {
        let name = launch.procfile.name.clone();
        let mut statuses = self.shared.statuses.subscribe();
        let new = self.start(launch);
        let given_up = new.stop.clone().drop_guard();
        let known = statuses.wait_for(|statuses| verdict(statuses, new.copy).is_some());
        // The sender lives in `self`: if this does not end well, the time is up.
        drop(time::timeout(patience, known).await);
        let statuses = self.shared.statuses.borrow().clone();
        match verdict(&statuses, new.copy) {
            Some(Ok(())) => {}
            Some(Err(reason)) => return Err(NotReplaced { process: name, reason }),
            None => return Err(NotReplaced { process: name, reason: reason_of(&statuses, new.copy) }),
        }
        given_up.disarm();
        if let Some(old) = self.kept.insert(name, new) {
            old.stop.cancel();
        }
        Ok(())
    }

    fn start(&mut self, launch: Launch) -> Kept {
        let copy = self.next_copy;
        self.next_copy += 1;
        let status = ProcessStatus {
            name: launch.procfile.name.clone(),
            copy,
            state: State::Starting,
            since: Utc::now(),
            pid: None,
            ops_address: None,
            restarts: 0,
            reason: None,
        };
        self.shared.statuses.send_modify(|statuses| {
            // Beside the copy that it may replace.
            let beside = statuses.iter().rposition(|other| other.name == status.name);
            statuses.insert(beside.map_or(statuses.len(), |at| at + 1), status);
        });
        let stop = self.shared.drain.child_token();
        self.keepers.spawn(Keeper::new(launch, copy, Arc::clone(&self.shared), stop.clone()).run());
        Kept { copy, stop }
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

/// Whether a copy that was just started is ready, or has failed. `None` while neither is known.
fn verdict(statuses: &[ProcessStatus], copy: u64) -> Option<Result<(), String>> {
    let status = statuses.iter().find(|status| status.copy == copy)?;
    match status.state {
        State::Ready => Some(Ok(())),
        // It would be tried again, but a build that dies at its start is no replacement.
        _ if status.restarts > 0 => Some(Err(reason_of(statuses, copy))),
        _ => None,
    }
}

fn reason_of(statuses: &[ProcessStatus], copy: u64) -> String {
    let status = statuses.iter().find(|status| status.copy == copy);
    let reason = status.and_then(|status| status.reason.clone());
    reason.unwrap_or_else(|| "it did not answer in time".to_owned())
}
