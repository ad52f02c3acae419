//! What a host does first: it adopts what its predecessor left running, as far as that should run, and starts the rest.

use anyhow::Context as _;
use platform::{
    local::{Launch, Orphan},
    place::Why,
};
use terminal::{Screen, tell};
use workspace::{
    control::{Order, What},
    releases::Digest,
};

use super::{
    orders::{Host, count_of},
    succession,
};

impl Host {
    /// Goes on with what a predecessor has left running, as far as it is what should run, and starts the rest. Instances
    /// of web are only of use when their socket is ours (`same_socket`). The answer is what is left to do: processes of
    /// which another release still serves, because the predecessor died while it replaced it.
    pub(super) fn start(
        &mut self,
        screen: &Screen,
        mut orphans: Vec<Orphan>,
        same_socket: bool,
    ) -> anyhow::Result<Vec<Order>> {
        let (running, counts) = (self.store.running()?, self.store.counts()?);
        let mut unfinished = Vec::new();
        for launch in self.launches.all().to_vec() {
            let name = launch.procfile.name.clone();
            let own = orphans.extract_if(.., |orphan| orphan.process == name).collect();
            let Some(digest) = running.get(&name) else {
                screen.line(&tell::notice(screen.palette, &format!("{name} has not been released yet")));
                self.dismiss(&launch, own);
                continue;
            };
            let launch = self.launch_of(launch, digest)?;
            let is_usable = launch.listener.is_none() || same_socket;
            let own = self.resume_canary(&launch, digest, own, is_usable);
            let wanted = if is_usable { count_of(&counts, &name) as usize } else { 0 };
            let choice = succession::choose(own, digest.as_str(), wanted);
            if choice.is_mixed {
                unfinished.push(finish(&name, digest));
            }
            if !choice.stay.is_empty() {
                let text = format!("{name} kept running: {}", choice.stay.len());
                screen.line(&tell::notice(screen.palette, &text));
            }
            for orphan in choice.stay {
                self.supervisor.adopt(launch.clone(), orphan, true);
            }
            for _ in self.supervisor.count(&name)..count_of(&counts, &name) as usize {
                self.supervisor.keep(launch.clone());
            }
            self.dismiss(&launch, choice.leave);
        }
        // Their Procfile has gone, and with it the wish that they run.
        for orphan in orphans {
            let mut launch = self.launches.all().first().cloned().context("there is no process")?;
            launch.procfile.name.clone_from(&orphan.process);
            self.supervisor.adopt(launch, orphan, false);
        }
        self.tell(&running, &counts);
        self.note_canaries()?;
        Ok(unfinished)
    }

    /// A canary that a predecessor had goes on beside what should run: whoever had it started judges it, or has it ended.
    /// What is left of `own` is handed back.
    fn resume_canary(
        &mut self,
        launch: &Launch,
        runs: &Digest,
        mut own: Vec<Orphan>,
        is_usable: bool,
    ) -> Vec<Orphan> {
        let name = &launch.procfile.name;
        // A file that cannot be read names none: what it named leaves with the others.
        let noted = self.store.canaries().unwrap_or_default().remove(name);
        let Some(digest) = noted.and_then(|noted| Digest::parse(&noted)).filter(|digest| digest != runs)
        else {
            return own;
        };
        let Ok(launch) = self.named(name).and_then(|launch| self.launch_of(launch, &digest)) else {
            return own;
        };
        let is_it = |orphan: &Orphan| {
            is_usable && !orphan.leaves && orphan.release.as_deref() == Some(digest.as_str())
        };
        let orphan = own.iter().position(is_it).map(|at| own.remove(at));
        self.supervisor.keep_canary(launch, orphan);
        own
    }

    fn dismiss(&mut self, launch: &Launch, orphans: Vec<Orphan>) {
        for orphan in orphans {
            self.supervisor.adopt(launch.clone(), orphan, false);
        }
    }
}

/// Replaces what a predecessor has left by what should run.
fn finish(process: &str, digest: &Digest) -> Order {
    let what =
        What::Put { process: process.to_owned(), release: digest.as_str().to_owned(), take_out_first: false };
    let reason = "the previous host died while replacing it".to_owned();
    Order { what, why: Why { asked_by: "host".to_owned(), reason } }
}
