//! A process of this machine, told from a later one with the same pid.

use std::fs;

use serde::{Deserialize, Serialize};

/// A pid, and when the process under it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its pid.
    pub pid: u32,
    /// In clock ticks since the machine's start.
    pub began: u64,
}

impl ProcessIdentity {
    /// The process that has this pid now; none when it has ended, waited for or not.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, began: Stat::of(pid)?.began })
    }

    /// Whether it still runs.
    pub fn runs(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// What the kernel says of a process that has not ended.
pub(super) struct Stat {
    pub(super) group: u32,
    pub(super) began: u64,
}

impl Stat {
    pub(super) fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold anything; behind it the third field follows.
        let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
        // A zombie has ended: only its exit code is left.
        let _lives = fields.next().filter(|state| !matches!(*state, "Z" | "X"))?;
        let group = fields.nth(1)?.parse().ok()?;
        Some(Self { group, began: fields.nth(16)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_this_very_process() {
        let stat = Stat::of(std::process::id()).unwrap();
        assert_eq!(stat.group, nix::unistd::getpgrp().as_raw().cast_unsigned());
        assert!(stat.began > 0);
        assert!(Stat::of(u32::MAX).is_none());
    }

    #[test]
    fn a_zombie_and_another_process_under_the_same_pid_do_not_run() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(own.runs());
        assert!(!ProcessIdentity { began: own.began + 1, ..own }.runs());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let lives = ProcessIdentity::of(child.id()).unwrap();
        assert!(lives.runs());
        child.kill().unwrap();
        // Its end is seen before anybody waits for it.
        let killed = std::time::Instant::now();
        while lives.runs() {
            assert!(killed.elapsed() < std::time::Duration::from_secs(60), "a killed process still runs");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.wait().unwrap();
    }
}
