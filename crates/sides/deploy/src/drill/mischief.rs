//! Faults outside the new build: a Postgres, or a host, that does not answer.

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time;

/// How long Postgres is away.
const AWAY: Duration = Duration::from_secs(6);
/// How long the host is.
const HOST_AWAY: Duration = Duration::from_secs(8);

/// Stops every process of the private Postgres of this folder for a while. It is let go on whatever happens.
pub(super) async fn postgres_away(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("data/postmaster.pid");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let first = text.lines().next().and_then(|line| line.trim().parse().ok());
    let postmaster: i32 = first.with_context(|| format!("{} names no process", file.display()))?;
    // The postmaster first: it must not start others meanwhile.
    let mut stopped = Stopped(Vec::new());
    stopped.stop(postmaster);
    children(postmaster).into_iter().for_each(|child| stopped.stop(child));
    time::sleep(AWAY).await;
    Ok(())
}

/// Stops the host for a while. It is let go on whatever happens.
pub(super) async fn host_away(pid: u32) {
    let mut stopped = Stopped(Vec::new());
    stopped.stop(pid.cast_signed());
    time::sleep(HOST_AWAY).await;
}

/// Processes that go on when this is dropped.
struct Stopped(Vec<i32>);

impl Stopped {
    fn stop(&mut self, pid: i32) {
        if kill(Pid::from_raw(pid), Signal::SIGSTOP).is_ok() {
            self.0.push(pid);
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            // One that was killed meanwhile needs nothing.
            kill(Pid::from_raw(*pid), Signal::SIGCONT).ok();
        }
    }
}

fn children(of: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent(*pid) == Some(of)).collect()
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
}
