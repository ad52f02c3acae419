//! The release in progress in this workspace: held as a lock, which ends with its process, so that a rollback can break it
//! off and a build needs none.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time;

use workspace::Workspace;

/// How long a release that was asked to end may take; then it is killed, which is as safe: it goes step by step, and each
/// is written down.
const END_LIMIT: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_millis(20);

/// Held while a release or a rollback changes what runs.
pub(super) struct Underway(#[expect(dead_code, reason = "its lock counts")] File);

impl Underway {
    /// Says that this process changes what runs from now on. The database's lock decides; this one only tells whom to
    /// break off.
    pub(super) fn begin(workspace: &Workspace) -> anyhow::Result<Self> {
        let mut file = open(workspace)?;
        // A second command in this workspace finds the database's lock taken, and says who has it.
        if file.try_lock().is_ok() {
            file.set_len(0).and_then(|()| file.rewind())?;
            writeln!(file, "{}", std::process::id())?;
        }
        Ok(Self(file))
    }

    /// Ends the release in progress here; whether there was one.
    pub(super) async fn break_off(workspace: &Workspace) -> anyhow::Result<bool> {
        let mut file = open(workspace)?;
        let deadline = Instant::now() + END_LIMIT;
        let mut pid = None;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(pid.is_some()),
                Err(TryLockError::Error(error)) => {
                    return Err(error).context("cannot use the lock of the release");
                }
                Err(TryLockError::WouldBlock) => {}
            }
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            let Ok(holder) = text.trim().parse::<i32>() else {
                // It has the lock, and will say in a moment who it is.
                time::sleep(BETWEEN).await;
                if Instant::now() > deadline {
                    bail!("a release is in progress here, but its process is not known");
                }
                continue;
            };
            let signal = if Instant::now() > deadline { Signal::SIGKILL } else { Signal::SIGTERM };
            if pid != Some((holder, signal)) {
                pid = Some((holder, signal));
                // It may have ended by itself.
                drop(kill(Pid::from_raw(holder), signal).map_err(std::io::Error::from));
            }
            time::sleep(BETWEEN).await;
        }
    }
}

fn open(workspace: &Workspace) -> anyhow::Result<File> {
    workspace.create_folders()?;
    let path = workspace.run_folder().join("release.lock");
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    opened.with_context(|| format!("cannot use {}", path.display()))
}
