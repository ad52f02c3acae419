//! The life of one process: start, ready, death, pause, start again … drain.

mod attend;
mod start;
mod watch;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use chrono::Utc;
use tokio::{process::Child, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    bond::{Bond, CopyFiles},
    launch::Launch,
    probe::Probe,
    spawn::Group,
    status::{Event, Happening, ProcessStatus, State},
    supervisor::Shared,
    survivor::{Running, Survivor},
};

pub(super) struct Keeper {
    launch: Launch,
    /// Which of the statuses is its own.
    copy: u64,
    shared: Arc<Shared>,
    /// Ends this keeper's process, as the drain ends all of them.
    stop: CancellationToken,
    /// The port of its last copy, so that a restart keeps the address.
    ops_port: u16,
    /// Those of a copy that outlives us.
    files: Option<CopyFiles>,
}

/// A running copy.
struct Copy {
    body: Body,
    pid: u32,
    group: Group,
    output: JoinSet<()>,
    /// Cancelled when it has ended, for those who read its file.
    ended: CancellationToken,
    probe: Probe,
    ops_address: SocketAddr,
}

/// Whose child it is.
enum Body {
    Ours(Child),
    Adopted(Running),
}

impl Keeper {
    pub(super) fn new(launch: Launch, copy: u64, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let files = match &shared.bond {
            Bond::Together => None,
            Bond::Outliving { run_folder, .. } => {
                Some(CopyFiles::of(run_folder, &launch.procfile.name, copy))
            }
        };
        Self { ops_port: launch.ops_port, launch, copy, shared, stop, files }
    }

    /// Begins with a start, or with what runs already.
    pub(super) async fn run(mut self, mut survivor: Option<Survivor>) {
        let mut deaths = 0;
        while survivor.is_some() || !self.stop.is_cancelled() {
            let began = Instant::now();
            let running = match survivor.take() {
                Some(survivor) => Ok(self.take_over(&survivor)),
                None => self.start().await,
            };
            let ended = match running {
                Ok(copy) => Ok(self.attend(copy).await),
                Err(reason) => Err(reason),
            };
            if self.stop.is_cancelled() {
                break;
            }
            let restart = self.shared.policy.after_death(deaths, began.elapsed());
            deaths = restart.deaths;
            let (reason, happening) = match ended {
                Ok(exit) => (exit.to_string(), Happening::Died(exit, restart)),
                Err(reason) => (reason.clone(), Happening::NotStarted(reason, restart)),
            };
            self.enter(State::Restarting, Some(reason));
            self.change(|status| (status.restarts, status.deaths) = (status.restarts + 1, restart.deaths));
            self.say(happening);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = time::sleep(restart.pause) => {}
            }
        }
        if let Some(files) = &self.files {
            files.remove();
        }
        self.enter(State::Stopped, None);
        self.say(Happening::Stopped);
        if !self.shared.drain.is_cancelled() {
            // Another copy has taken its place.
            self.shared.statuses.send_modify(|statuses| statuses.retain(|status| status.copy != self.copy));
        }
    }

    fn restarts(&self) -> u32 {
        let statuses = self.shared.statuses.borrow();
        statuses.iter().find(|status| status.copy == self.copy).map_or(0, |status| status.restarts)
    }

    fn enter(&self, state: State, reason: Option<String>) {
        self.change(|status| {
            (status.state, status.since, status.reason) = (state, Utc::now(), reason);
        });
    }

    fn change(&self, change: impl FnOnce(&mut ProcessStatus)) {
        self.shared.statuses.send_modify(|statuses| {
            if let Some(own) = statuses.iter_mut().find(|status| status.copy == self.copy) {
                change(own);
            }
        });
    }

    fn say(&self, happening: Happening) {
        let event = Event { process: self.launch.procfile.name.clone(), happening };
        // Nobody listens: the processes run all the same.
        drop(self.shared.events.send(event));
    }
}
