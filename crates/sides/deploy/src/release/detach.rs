//! A release in the background: the command that a person waits for looks and builds, and hands over to a process of its
//! own, which no terminal ends.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _},
    ops::ControlFlow,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use chrono::Utc;
use platform::local::{leave_the_terminal, write_private};
use tokio::time;

use super::{
    Ended, ReleaseOptions, Watching,
    prepared::{HandedOver, Prepared},
    recipe,
};
use crate::progress::Progress;
use workspace::{
    Stop, Workspace, own_program,
    releases::{Status, Store},
};

const BETWEEN: Duration = Duration::from_millis(50);
/// So many outputs are kept.
const KEPT_LOGS: usize = 20;
/// How their names begin and end.
const LOG: (&str, &str) = ("release-", ".out");

/// How far the command came that a person waits for.
#[derive(Debug)]
pub enum Detached {
    /// It came to its end before there was anything to hand over.
    Ended(Ended),
    /// The release goes on in the background.
    GoesOn {
        /// Its process.
        pid: u32,
        /// Where its output is.
        log: PathBuf,
        /// Whether it has found its order and begun; otherwise somebody did not want to wait for that.
        has_begun: bool,
    },
    /// It ended before it began, or at once: how, and what of its output was not told yet.
    Over(ExitStatus, String),
}

/// Looks and builds as [`run`](super::run) does, and hands over to a process in the background. Returns when that has begun,
/// or has ended.
///
/// # Errors
/// When something that it needs cannot be asked or built, or the process cannot be started: then nothing was changed.
pub async fn run(
    workspace: &Workspace,
    options: &ReleaseOptions,
    progress: &dyn Progress,
) -> anyhow::Result<Detached> {
    let ready = match recipe::prepare(workspace, options, progress).await? {
        ControlFlow::Continue(ready) => ready,
        ControlFlow::Break(ended) => return Ok(Detached::Ended(ended)),
    };
    let (log, out) = open_log(&workspace.logs_folder())?;
    let handed_over = HandedOver { only: options.only.clone(), before: ready.before, log: log.clone() };
    let prepared = Prepared::of(ready.built, handed_over);
    let file = workspace.run_folder().join(format!("prepared-{}.json", std::process::id()));
    let written = write_private(&file, &serde_json::to_string(&prepared)?);
    written.with_context(|| format!("cannot write {}; nothing was changed", file.display()))?;

    // From here on Ctrl-C ends the waiting alone.
    let stop = Stop::listen()?;
    let child =
        start(workspace, &file, &options.watching, out).inspect_err(|_| drop(fs::remove_file(&file)))?;
    let waiting = Waiting { store: Store::open(workspace)?, output: File::open(&log)?, child, log, progress };
    waiting.until_it_has_begun(&stop).await
}

/// This very program.
fn start(workspace: &Workspace, file: &Path, watching: &Watching, out: File) -> anyhow::Result<Child> {
    let mut command = Command::new(own_program().context("cannot find this program's own file")?);
    command.arg("--root").arg(workspace.root()).current_dir(workspace.root());
    command.arg("release").arg("--prepared").arg(file).args(watching.arguments());
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    leave_the_terminal(&mut command);
    command.spawn().context("cannot start the release in the background; nothing was changed")
}

/// A fresh file for the output, whose name no other release has.
fn open_log(folder: &Path) -> anyhow::Result<(PathBuf, File)> {
    let (begins, ends) = LOG;
    let at = Utc::now().format("%Y%m%dT%H%M%SZ");
    let file = folder.join(format!("{begins}{at}-{}{ends}", std::process::id()));
    let opened = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&file);
    let opened = opened.with_context(|| format!("cannot write {}; nothing was changed", file.display()))?;
    prune(folder);
    Ok((file, opened))
}

/// Removes the oldest outputs: their names sort by time. A failure costs room, nothing else.
fn prune(folder: &Path) {
    let (begins, ends) = LOG;
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut logs: Vec<String> =
        names.filter(|name| name.starts_with(begins) && name.ends_with(ends)).collect();
    logs.sort();
    for old in logs.iter().rev().skip(KEPT_LOGS) {
        drop(fs::remove_file(folder.join(old)));
    }
}

/// The command that waits for the other to begin.
struct Waiting<'a> {
    store: Store,
    child: Child,
    log: PathBuf,
    output: File,
    progress: &'a dyn Progress,
}

impl Waiting<'_> {
    async fn until_it_has_begun(mut self, stop: &Stop) -> anyhow::Result<Detached> {
        let pid = self.child.id();
        loop {
            // In this order: what it had said is complete when it has ended.
            let ended = self.child.try_wait().context("cannot wait for the release")?;
            let said = self.said();
            if let Some(ended) = ended {
                return Ok(Detached::Over(ended, said));
            }
            if !said.is_empty() {
                self.progress.text(said.trim_end());
            }
            if self.has_begun() {
                return Ok(Detached::GoesOn { pid, log: self.log, has_begun: true });
            }
            tokio::select! {
                () = time::sleep(BETWEEN) => {}
                () = stop.asked() => {
                    return Ok(Detached::GoesOn { pid, log: self.log, has_begun: false });
                }
            }
        }
    }

    /// Whole lines that it has said since the last call.
    fn said(&mut self) -> String {
        let mut bytes = Vec::new();
        // What cannot be read now is in the file all the same.
        drop(self.output.read_to_end(&mut bytes));
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let begun = i64::try_from(bytes.len() - whole).unwrap_or_default();
        drop(self.output.seek_relative(-begun));
        String::from_utf8_lossy(&bytes[..whole]).into_owned()
    }

    fn has_begun(&self) -> bool {
        let status = Status::read(&self.store).ok().flatten();
        status.is_some_and(|(status, _)| status.process.pid == self.child.id() && !status.steps.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_has_a_log_of_its_own_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        for number in 10..40 {
            fs::write(folder.path().join(format!("release-202001{number}T000000Z-1.out")), "").unwrap();
        }
        fs::write(folder.path().join("release.log"), "of a process of this name").unwrap();
        let (log, _) = open_log(folder.path()).unwrap();
        assert!(log.exists() && folder.path().join("release.log").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), KEPT_LOGS + 1);
        assert!(!folder.path().join("release-20200110T000000Z-1.out").exists());
        assert!(folder.path().join("release-20200139T000000Z-1.out").exists());
    }
}
