//! Instances that an earlier host left running, found by their environment.

use std::{fs, net::SocketAddr, os::unix::fs::MetadataExt as _, path::Path, time::Duration};

use nix::{
    errno::Errno,
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::{Pid, geteuid},
};
use tokio::time;

use super::{
    control::HOST_VARIABLE,
    exit::Exit,
    identity::{ProcessIdentity, Stat},
    lifetime::{FORMER_INSTANCE_VARIABLE, INSTANCE_VARIABLE, InstanceFiles, Note, RELEASE_VARIABLE},
};

/// How long the end of an adopted instance may go unnoticed.
const BETWEEN: Duration = Duration::from_millis(50);

/// An instance that runs and has no supervisor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// `web`, `worker` …
    pub process: String,
    /// Its number.
    pub instance: u64,
    /// Its release.
    pub release: Option<String>,
    /// Where its `/readyz` listens.
    pub ops_address: SocketAddr,
    /// Whether it was asked to end already.
    pub leaves: bool,
    pub(super) restarts: u32,
    pub(super) running: Running,
}

/// A process that is not our child, told from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) pid: u32,
    /// In clock ticks since the machine's start.
    began: u64,
}

impl Orphan {
    /// Its process id, which is that of its group too.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.pid
    }
}

/// Every instance that belongs to a run folder.
#[must_use]
pub fn orphans(run_folder: &Path) -> Vec<Orphan> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = geteuid().as_raw();
    let pids = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        (entry.metadata().ok()?.uid() == own).then_some(pid)
    });
    let mut found: Vec<Orphan> = pids.filter_map(|pid| read(pid, run_folder)).collect();
    found.sort_by_key(|orphan| orphan.instance);
    found
}

fn read(pid: u32, run_folder: &Path) -> Option<Orphan> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variable = |name: &str| {
        let pairs = environment.split(|byte| *byte == 0).filter_map(|pair| std::str::from_utf8(pair).ok());
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    if Path::new(variable(HOST_VARIABLE)?) != run_folder {
        return None;
    }
    let (process, instance) =
        variable(INSTANCE_VARIABLE).or_else(|| variable(FORMER_INSTANCE_VARIABLE))?.rsplit_once('.')?;
    let instance = instance.parse().ok()?;
    let stat = Stat::of(pid)?;
    let note: Note = InstanceFiles::of(run_folder, process, instance).note();
    // What an instance starts inherits its environment, but leads no group, or at least is not who was noted.
    if stat.group != pid || note.pid.is_some_and(|noted| noted != pid) {
        return None;
    }
    let host = variable("OPS_HOST")?.parse().ok()?;
    Some(Orphan {
        process: process.to_owned(),
        instance,
        release: variable(RELEASE_VARIABLE).map(str::to_owned),
        ops_address: SocketAddr::new(host, variable("OPS_PORT")?.parse().ok()?),
        leaves: note.leaves,
        restarts: note.restarts,
        running: Running { pid, began: stat.began },
    })
}

impl Running {
    /// Waits for its end. How it ended only its parent learns: that is us when a host has replaced itself in the
    /// same process, and nobody who would tell us otherwise.
    pub(super) async fn wait(self) -> Exit {
        let pid = Pid::from_raw(self.pid.cast_signed());
        loop {
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, code)) => return Exit::Code(code),
                Ok(WaitStatus::Signaled(_, signal, _)) => return Exit::Signal(signal as i32),
                Err(Errno::ECHILD) if !self.runs() => return Exit::Unseen,
                _ => time::sleep(BETWEEN).await,
            }
        }
    }

    fn runs(self) -> bool {
        ProcessIdentity { pid: self.pid, began: self.began }.runs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_host_was_there_is_no_orphan() {
        assert!(orphans(Path::new("/no/such/run/folder")).is_empty());
    }
}
