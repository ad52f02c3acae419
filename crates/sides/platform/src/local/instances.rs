//! The number of instances of a process, and how one release follows another: add first, then remove.

use std::{collections::HashMap, time::Duration};

use chrono::Utc;
use tokio::time::{self, Instant};

use super::{
    launch::Launch,
    probe,
    status::{ProcessStatus, State, instance_id},
    supervisor::{Kept, Supervisor},
};

/// Why a process still is what it was.
#[derive(Debug, thiserror::Error)]
#[error("the new {process} was not ready: {reason}; {}", if *.nothing_else_runs { "it is restarted, since no \
                                                                                   other instance is left" } else { "the old one stays" })]
pub struct NotReplaced {
    /// The name of the process.
    pub process: String,
    /// What happened to the new instance.
    pub reason: String,
    /// Whether the old ones have left already.
    pub nothing_else_runs: bool,
}

impl Supervisor {
    /// How many instances of a process are kept.
    #[must_use]
    pub fn count(&self, process: &str) -> usize {
        self.kept.iter().filter(|kept| kept.launch.procfile.name == process).count()
    }

    /// Whether exactly so many instances are kept, all of this release and all ready.
    #[must_use]
    pub fn all_run(&self, launch: &Launch, count: usize) -> bool {
        let instances = self.instances_of(&launch.procfile.name);
        let statuses = self.shared.statuses.borrow();
        let is_it = |status: &ProcessStatus| status.release == launch.release && status.state == State::Ready;
        let ready =
            statuses.iter().filter(|status| instances.contains(&status.instance) && is_it(status)).count();
        ready == count && instances.len() == count
    }

    /// The number of a kept instance by its [name](ProcessStatus::id).
    #[must_use]
    pub fn find(&self, process: &str, id: &str) -> Option<u64> {
        self.instances_of(process).into_iter().find(|instance| instance_id(process, *instance) == id)
    }

    /// Replaces the kept instances of a process, one at a time: a new one is started beside an old one, and when it is
    /// ready the old one is asked to end, which it does in its own time. Both hold the listener meanwhile. Without
    /// an old one the new one is started anyway. A canary of the same release is the first of the new ones.
    ///
    /// Dropping the future gives up the replacement that is going on.
    ///
    /// # Errors
    /// When a new instance dies before it was ready, or is not ready within `patience`. It is gone then, and what had
    /// been replaced before it is put back in the same way.
    pub async fn roll(&mut self, launch: Launch, patience: Duration) -> Result<(), NotReplaced> {
        let old = self.instances_of(&launch.procfile.name);
        if old.is_empty() {
            let new = self.promoted_or_started(launch, patience).await?;
            self.kept.push(new);
            return Ok(());
        }
        let mut replaced = Vec::new();
        for instance in old {
            match self.replace(instance, launch.clone(), patience).await {
                Ok(undo) => replaced.extend(undo),
                Err(failed) => {
                    for (instance, former) in replaced.into_iter().rev() {
                        // What cannot be put back still answers: it was ready.
                        drop(self.replace(instance, former, patience).await);
                    }
                    return Err(failed);
                }
            }
        }
        Ok(())
    }

    /// Puts `launch` in the place of instances that are known to be wrong. Those leave first, so that none of them
    /// accepts another connection; connections wait in the listening socket until the new ones are up. The new ones are
    /// kept whatever becomes of them, as nothing else is left.
    ///
    /// # Errors
    /// When a new instance is not ready within `patience`.
    pub async fn take_out_and_start(
        &mut self,
        launch: Launch,
        count: usize,
        patience: Duration,
    ) -> Result<(), NotReplaced> {
        let name = launch.procfile.name.clone();
        let wrong: Vec<Kept> = self.kept.extract_if(.., |kept| kept.launch.procfile.name == name).collect();
        for kept in &wrong {
            self.let_go(kept);
        }
        let new: Vec<Kept> = (0..count).map(|_| self.start(launch.clone())).collect();
        let numbers: Vec<u64> = new.iter().map(|new| new.instance).collect();
        self.kept.extend(new);
        let deadline = Instant::now() + patience;
        for instance in numbers {
            let ready = self.until_ready(&name, instance, deadline).await;
            ready.map_err(|error| NotReplaced { nothing_else_runs: true, ..error })?;
        }
        Ok(())
    }

    /// Restarts instances of a process, each as it is, one at a time; only the one with the number `only`, or all.
    ///
    /// # Errors
    /// As for [`Supervisor::roll`]; those that were restarted before stay so.
    pub async fn restart(
        &mut self,
        process: &str,
        only: Option<u64>,
        patience: Duration,
    ) -> Result<(), NotReplaced> {
        for instance in self.instances_of(process) {
            if only.is_none_or(|only| only == instance)
                && let Some(kept) = self.kept.iter().find(|kept| kept.instance == instance)
            {
                self.replace(instance, kept.launch.clone(), patience).await?;
            }
        }
        Ok(())
    }

    /// Sets the number of instances of a process. New ones count when they are ready; those that leave are idle ones as long as
    /// there are any, and finish what they do.
    ///
    /// # Errors
    /// When a new instance is not ready in time: then there are as many as before.
    pub async fn scale(
        &mut self,
        launch: Launch,
        count: usize,
        patience: Duration,
    ) -> Result<(), NotReplaced> {
        let name = launch.procfile.name.clone();
        let instances = self.instances_of(&name);
        if let Some(more) = count.checked_sub(instances.len()) {
            let new: Vec<Kept> = (0..more).map(|_| self.start(launch.clone())).collect();
            let guards: Vec<_> = new.iter().map(|new| new.stop.clone().drop_guard()).collect();
            let deadline = Instant::now() + patience;
            for one in &new {
                self.until_ready(&name, one.instance, deadline).await?;
            }
            guards.into_iter().for_each(|guard| drop(guard.disarm()));
            self.kept.extend(new);
            return Ok(());
        }
        let statuses = self.shared.statuses.borrow().clone();
        let mut busy = HashMap::new();
        for status in statuses.iter().filter(|status| instances.contains(&status.instance)) {
            if let Some(address) = status.ops_address {
                busy.insert(status.instance, probe::busy(&self.shared.client, address).await);
            }
        }
        for instance in first_to_leave(&statuses, &instances, &busy).into_iter().take(instances.len() - count)
        {
            if let Some(at) = self.kept.iter().position(|kept| kept.instance == instance) {
                let leaving = self.kept.remove(at);
                self.let_go(&leaving);
            }
        }
        Ok(())
    }

    fn instances_of(&self, process: &str) -> Vec<u64> {
        let own = self.kept.iter().filter(|kept| kept.launch.procfile.name == process);
        own.map(|kept| kept.instance).collect()
    }

    /// The number of the new instance and what the old one was started with; `None` when the old one is not there.
    async fn replace(
        &mut self,
        old: u64,
        launch: Launch,
        patience: Duration,
    ) -> Result<Option<(u64, Launch)>, NotReplaced> {
        let new = self.promoted_or_started(launch, patience).await?;
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.instance == old) else {
            new.stop.cancel();
            return Ok(None);
        };
        let instance = new.instance;
        let old = std::mem::replace(kept, new);
        self.let_go(&old);
        Ok(Some((instance, old.launch)))
    }

    async fn promoted_or_started(&mut self, launch: Launch, patience: Duration) -> Result<Kept, NotReplaced> {
        match self.promote_canary(&launch) {
            Some(canary) => Ok(canary),
            None => self.start_ready(launch, patience).await,
        }
    }

    /// Asks an instance to end, and says so before it has heard it: whoever gave the order sees it done.
    pub(super) fn let_go(&self, kept: &Kept) {
        self.shared.statuses.send_modify(|statuses| {
            if let Some(status) = statuses.iter_mut().find(|status| status.instance == kept.instance) {
                (status.state, status.since, status.reason) = (State::Draining, Utc::now(), None);
            }
        });
        kept.stop.cancel();
    }

    pub(super) async fn start_ready(
        &mut self,
        launch: Launch,
        patience: Duration,
    ) -> Result<Kept, NotReplaced> {
        let name = launch.procfile.name.clone();
        let new = self.start(launch);
        let given_up = new.stop.clone().drop_guard();
        self.until_ready(&name, new.instance, Instant::now() + patience).await?;
        given_up.disarm();
        Ok(new)
    }

    async fn until_ready(&self, name: &str, instance: u64, deadline: Instant) -> Result<(), NotReplaced> {
        let mut statuses = self.shared.statuses.subscribe();
        let known = statuses.wait_for(|statuses| verdict(statuses, instance).is_some());
        // The sender lives in `self`: if this does not end well, the time is up.
        drop(time::timeout_at(deadline, known).await);
        let statuses = self.shared.statuses.borrow().clone();
        let verdict = verdict(&statuses, instance).unwrap_or_else(|| Err(reason_of(&statuses, instance)));
        verdict.map_err(|reason| NotReplaced { process: name.to_owned(), reason, nothing_else_runs: false })
    }
}

/// Whether an instance that was just started is ready, or has failed. `None` while neither is known.
fn verdict(statuses: &[ProcessStatus], instance: u64) -> Option<Result<(), String>> {
    let status = statuses.iter().find(|status| status.instance == instance)?;
    match status.state {
        State::Ready => Some(Ok(())),
        // It would be tried again, but a build that dies at its start is not a replacement.
        _ if status.restarts > 0 => Some(Err(reason_of(statuses, instance))),
        _ => None,
    }
}

fn reason_of(statuses: &[ProcessStatus], instance: u64) -> String {
    let status = statuses.iter().find(|status| status.instance == instance);
    let reason = status.and_then(|status| status.reason.clone());
    reason.unwrap_or_else(|| "it did not answer in time".to_owned())
}

/// Who leaves first: what does not serve, then what is least busy, then the youngest. An instance that does not say how
/// busy it is counts as idle.
fn first_to_leave(
    statuses: &[ProcessStatus],
    instances: &[u64],
    busy: &HashMap<u64, Option<u64>>,
) -> Vec<u64> {
    let serves = |instance: u64| {
        statuses.iter().any(|status| status.instance == instance && status.state == State::Ready)
    };
    let mut instances = instances.to_owned();
    instances.sort_by_key(|instance| {
        let tasks = busy.get(instance).copied().flatten().unwrap_or(0);
        (serves(*instance), tasks, std::cmp::Reverse(*instance))
    });
    instances
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(instance: u64, state: State) -> ProcessStatus {
        ProcessStatus {
            name: "worker".to_owned(),
            instance,
            release: None,
            state,
            since: Utc::now(),
            started_at: None,
            pid: None,
            ops_address: None,
            memory: None,
            restarts: 0,
            deaths: 0,
            reason: None,
        }
    }

    #[test]
    fn the_dead_leave_first_then_the_idle_then_the_young() {
        let states = [
            (1, State::Ready),
            (2, State::Ready),
            (3, State::Ready),
            (4, State::Restarting),
            (5, State::Ready),
        ];
        let statuses: Vec<_> = states.map(|(instance, state)| status(instance, state)).into();
        let busy = HashMap::from([(1, Some(0)), (2, Some(3)), (3, Some(0)), (5, Some(1))]);
        assert_eq!(first_to_leave(&statuses, &[1, 2, 3, 4, 5], &busy), [4, 3, 1, 5, 2]);
        assert_eq!(first_to_leave(&statuses, &[1, 2, 3], &HashMap::new()), [3, 2, 1]);
    }
}
