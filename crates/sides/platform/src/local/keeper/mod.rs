//! The life of one process: start, ready, exit, pause, restart … drain.

mod attend;
mod start;
mod watch;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use chrono::Utc;
use tokio::{process::Child, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    launch::Launch,
    lifetime::{InstanceFiles, Lifetime},
    orphan::{Orphan, Running},
    probe::Probe,
    spawn::Group,
    status::{Event, Happening, ProcessStatus, State},
    supervisor::Shared,
};

pub(super) struct Keeper {
    launch: Launch,
    /// Which of the statuses is its own.
    instance: u64,
    shared: Arc<Shared>,
    /// Ends this keeper's process, as the drain ends all of them.
    stop: CancellationToken,
    /// The port of its last instance, so that a restart keeps the address.
    ops_port: u16,
    /// Those of an instance that outlives us.
    files: Option<InstanceFiles>,
}

/// A running instance.
struct RunningInstance {
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
    pub(super) fn new(launch: Launch, instance: u64, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let files = match &shared.lifetime {
            Lifetime::Together => None,
            Lifetime::Outliving { run_folder, .. } => {
                Some(InstanceFiles::of(run_folder, &launch.procfile.name, instance))
            }
        };
        Self { ops_port: launch.ops_port, launch, instance, shared, stop, files }
    }

    /// Begins with a start, or with what runs already.
    pub(super) async fn run(mut self, mut orphan: Option<Orphan>) {
        let mut deaths = 0;
        while orphan.is_some() || !self.stop.is_cancelled() {
            let began = Instant::now();
            let running = match orphan.take() {
                Some(orphan) => Ok(self.take_over(&orphan)),
                None => self.start().await,
            };
            let ended = match running {
                Ok(instance) => Ok(self.attend(instance).await),
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
            // Another instance has taken its place.
            self.shared
                .statuses
                .send_modify(|statuses| statuses.retain(|status| status.instance != self.instance));
        }
    }

    fn restarts(&self) -> u32 {
        let statuses = self.shared.statuses.borrow();
        statuses.iter().find(|status| status.instance == self.instance).map_or(0, |status| status.restarts)
    }

    fn enter(&self, state: State, reason: Option<String>) {
        self.change(|status| {
            (status.state, status.since, status.reason) = (state, Utc::now(), reason);
        });
    }

    fn change(&self, change: impl FnOnce(&mut ProcessStatus)) {
        self.shared.statuses.send_modify(|statuses| {
            if let Some(own) = statuses.iter_mut().find(|status| status.instance == self.instance) {
                change(own);
            }
        });
    }

    fn say(&self, happening: Happening) {
        let event = Event { process: self.launch.procfile.name.clone(), happening };
        // Nobody listens: the processes run anyway.
        drop(self.shared.events.send(event));
    }
}
