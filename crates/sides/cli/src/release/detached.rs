//! `sides release --detach`: what is said when the release goes on in the background, or did not get there.

use std::{os::unix::process::ExitStatusExt as _, process::ExitCode};

use deploy::release::{Detached, ReleaseOptions};
use terminal::clean_lines;
use workspace::{Outcome, Workspace};

use super::conclude;
use crate::progress::OnScreen;

pub(super) async fn run(
    workspace: &Workspace,
    options: &ReleaseOptions,
    progress: &OnScreen<'_>,
) -> anyhow::Result<ExitCode> {
    match deploy::release::run_detached(workspace, options, progress).await? {
        Detached::Ended(ended) => Ok(conclude(&ended, false, progress)?.into()),
        Detached::GoesOn { pid, log, has_begun } => {
            let log = workspace.relative(&log);
            let head = match has_begun {
                true => format!("The release goes on in the background (pid {pid})."),
                false => format!("The release goes on in the background (pid {pid}); it has not begun yet."),
            };
            progress.screen.line(&format!(
                "{head}\n  status: sides release status (--wait: until it has ended)\n  output: {}\n  \
                 stop it and go back: sides rollback",
                log.display()
            ));
            Ok(Outcome::Done.into())
        }
        Detached::Over(ended, said) => {
            let said = clean_lines(said.trim_end(), false);
            match ended.success() {
                true => progress.screen.line(&said),
                false => eprintln!("{said}"),
            }
            if let Some(signal) = ended.signal() {
                anyhow::bail!(
                    "the release in the background was killed by signal {signal}; see `sides release status`"
                );
            }
            let code = ended.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(Outcome::Failed.into(), ExitCode::from))
        }
    }
}
