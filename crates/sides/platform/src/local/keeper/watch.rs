//! Checks of a running instance: whether it answers, and how much memory it uses.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use tokio::time;

use super::Keeper;
use crate::local::{
    memory,
    probe::Probe,
    spawn::Group,
    status::{Happening, ProcessStatus, State},
    supervisor::Heavy,
};

/// A process that becomes ready within this needs no explanation.
const QUIET_START: Duration = Duration::from_secs(3);

impl Keeper {
    /// Measures for ever; has what is too large replaced, and kills what is much too large.
    pub(super) async fn watch_memory(&self, pid: u32, group: Group) -> Infallible {
        let mut told: Option<Instant> = None;
        loop {
            let bytes = memory::resident(pid);
            self.shared.statuses.send_if_modified(|statuses| {
                let own = statuses.iter_mut().find(|status| status.instance == self.instance);
                own.is_some_and(|own| std::mem::replace(&mut own.memory, bytes) != bytes)
            });
            let limit = self.launch.memory_limit;
            if let (Some(bytes), Some(limit)) = (bytes, limit) {
                let heavy = |killed| Happening::Heavy { bytes, limit, killed };
                match memory::judge(bytes, Some(limit)) {
                    memory::Verdict::Kill => {
                        self.say(heavy(true));
                        group.kill();
                    }
                    memory::Verdict::Replace if told.is_none_or(|at| at.elapsed() > memory::PATIENCE) => {
                        told = Some(Instant::now());
                        self.say(heavy(false));
                        let process = self.launch.procfile.name.clone();
                        // Nobody takes orders from us in a dev: then only the hard limit counts.
                        drop(self.shared.heavy.send(Heavy {
                            process,
                            instance: self.instance,
                            bytes,
                            limit,
                        }));
                    }
                    _ => {}
                }
            }
            time::sleep(memory::BETWEEN).await;
        }
    }

    /// Whether no other instance of its process runs, which would have the same socket.
    fn is_alone(&self) -> bool {
        let name = &self.launch.procfile.name;
        let is_other = |status: &ProcessStatus| status.name == *name && status.instance != self.instance;
        !self.shared.statuses.borrow().iter().any(|status| is_other(status) && status.pid.is_some())
    }

    /// Pings for ever and tells of every change.
    pub(super) async fn watch_answers(&self, probe: &Probe) -> Infallible {
        let mut ready = false;
        let mut since = Instant::now();
        let mut said = None;
        loop {
            match probe.ask(self.is_alone()).await {
                Ok(()) if !ready => {
                    (ready, said) = (true, None);
                    self.enter(State::Ready, None);
                    self.say(Happening::Ready { after: since.elapsed() });
                }
                Ok(()) => {}
                Err(reason) if ready => {
                    (ready, since, said) = (false, Instant::now(), Some(reason.clone()));
                    self.enter(State::Unready, Some(reason.clone()));
                    self.say(Happening::Unready(reason));
                }
                Err(reason) => {
                    if since.elapsed() > QUIET_START && said.as_ref() != Some(&reason) {
                        said = Some(reason.clone());
                        self.say(Happening::Waits(reason.clone()));
                    }
                    self.change(|status| status.reason = Some(reason));
                }
            }
            time::sleep(pause_between_pings(ready, since.elapsed())).await;
        }
    }
}

/// Often while someone waits for it, seldom once it answers.
fn pause_between_pings(ready: bool, waited: Duration) -> Duration {
    match (ready, waited < QUIET_START) {
        (true, _) => Duration::from_secs(2),
        (false, true) => Duration::from_millis(40),
        (false, false) => Duration::from_millis(500),
    }
}
