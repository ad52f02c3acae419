//! A canary: one instance of a new release beside those that serve, on their socket. It meets its share of visitors and jobs
//! before anything is replaced, and can be ended without touching the others.

use std::{collections::BTreeMap, time::Duration};

use super::{
    instances::NotReplaced,
    launch::Launch,
    orphan::Orphan,
    status::{ProcessStatus, State},
    supervisor::{Kept, Supervisor},
};

impl Supervisor {
    /// The release of each process' canary, where there is one.
    #[must_use]
    pub fn canaries(&self) -> BTreeMap<String, String> {
        let named = |kept: &Kept| Some((kept.launch.procfile.name.clone(), kept.launch.release.clone()?));
        self.canaries.iter().filter_map(named).collect()
    }

    /// Starts one instance of `launch` beside the others of its process, and waits until it is ready. One of the same release
    /// that is there already goes on; one of another release is ended first.
    ///
    /// # Errors
    /// When it dies before it was ready, or is not ready within `patience`: then it is gone.
    pub async fn start_canary(&mut self, launch: Launch, patience: Duration) -> Result<(), NotReplaced> {
        let process = launch.procfile.name.clone();
        if self.canaries().get(&process) == launch.release.as_ref() && launch.release.is_some() {
            return Ok(());
        }
        self.end_canary(&process);
        let canary = self.start_ready(launch, patience).await?;
        self.canaries.push(canary);
        Ok(())
    }

    /// Goes on with the canary of a predecessor, or starts it where that one has left none.
    pub fn keep_canary(&mut self, launch: Launch, orphan: Option<Orphan>) {
        let canary = self.begin(launch, orphan);
        self.canaries.push(canary);
    }

    /// Asks the canary of a process to end, and no other instance.
    pub fn end_canary(&mut self, process: &str) {
        let ended: Vec<Kept> =
            self.canaries.extract_if(.., |canary| canary.launch.procfile.name == process).collect();
        for canary in &ended {
            self.let_go(canary);
        }
    }

    /// The canary as the first instance of the release that it was a canary of, if it serves.
    pub(super) fn promote_canary(&mut self, launch: &Launch) -> Option<Kept> {
        let statuses = self.shared.statuses.borrow().clone();
        let serves = |canary: &Kept| {
            let is_ready =
                |status: &ProcessStatus| status.instance == canary.instance && status.state == State::Ready;
            statuses.iter().any(is_ready)
        };
        let is_it = |canary: &Kept| {
            canary.launch.procfile.name == launch.procfile.name
                && canary.launch.release.is_some()
                && canary.launch.release == launch.release
        };
        let at = self.canaries.iter().position(|canary| is_it(canary) && serves(canary))?;
        Some(self.canaries.remove(at))
    }
}
