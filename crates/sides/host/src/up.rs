//! `sides up`: starts a host in the background and waits until everything answers.

use std::{
    fs::{self, OpenOptions},
    net::IpAddr,
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tokio::time;

use super::describe;
use terminal::Screen;
use terminal::tell;
use workspace::{
    Outcome, Workspace,
    control::{self, DevStatus, Phase},
};

/// How much of what a host that died had said is shown.
const LAST_WORDS: usize = 2000;

/// How a host is started in the background.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// The address that web listens on.
    pub host: IpAddr,
    /// Web's port.
    pub port: u16,
    /// How long to wait until everything answers.
    pub wait: Duration,
}

/// Starts a host when none runs.
///
/// # Errors
/// When a `dev` runs here, or the host ends at once.
pub async fn run(workspace: &Workspace, options: &UpOptions) -> anyhow::Result<Outcome> {
    let (screen, begun) = (Screen::new(), Instant::now());
    let mut child = match control::running_host(workspace).await? {
        Some(_) => None,
        None => Some(start(workspace, options)?),
    };
    let deadline = begun + options.wait;
    let mut last = None;
    while Instant::now() < deadline {
        if let Some(ended) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            bail!("the host exited ({ended}); its output:\n{}", said(workspace));
        }
        last = control::status(workspace).await?;
        if let Some(status) = &last
            && is_up(status)
        {
            let what = match status.releases.is_empty() {
                true => "the host is running; nothing has been released yet: start with `sides release`"
                    .to_owned(),
                false => format!("everything answers: {}", status.address.as_deref().unwrap_or_default()),
            };
            screen.line(&tell::done(screen.palette, &what, begun.elapsed()));
            return Ok(Outcome::Done);
        }
        time::sleep(Duration::from_millis(50)).await;
    }
    if let Some(status) = last {
        screen.line(&describe::whole_status(&status, screen.palette));
    }
    screen.line(&tell::fault(
        screen.palette,
        &format!("not every process answers after {} s", options.wait.as_secs()),
    ));
    Ok(Outcome::NotAnswering)
}

fn is_up(status: &DevStatus) -> bool {
    let nothing_to_run = status.phase == Phase::Running && status.releases.is_empty();
    status.all_answer() || nothing_to_run
}

/// In a process group of its own: the Ctrl-C of this terminal is not for it.
fn start(workspace: &Workspace, options: &UpOptions) -> anyhow::Result<Child> {
    workspace.create_folders()?;
    let file = workspace.logs_folder().join("host.out");
    let out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file);
    let out = out.with_context(|| format!("cannot write {}", file.display()))?;
    let mut command = Command::new(workspace::own_program()?);
    command.args(["host", "--detached", "--root"]).arg(workspace.root());
    command.args(["--host", &options.host.to_string(), "--port", &options.port.to_string()]);
    command.current_dir(workspace.root()).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    command.process_group(0).spawn().context("cannot start the host")
}

fn said(workspace: &Workspace) -> String {
    let text = fs::read_to_string(workspace.logs_folder().join("host.out")).unwrap_or_default();
    let from = text.len().saturating_sub(LAST_WORDS);
    String::from_utf8_lossy(&text.as_bytes()[from..]).trim_end().to_owned()
}
