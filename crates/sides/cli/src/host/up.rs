//! `sides up`: a host in the background, and the wait until everything answers.

use std::{
    fs::{self, OpenOptions},
    net::{IpAddr, Ipv4Addr},
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use tokio::time;

use super::succession;
use crate::{
    control::{self, DevStatus, Phase},
    display::{Screen, tell},
    outcome::Outcome,
    workspace::Workspace,
};

/// How much of what a host that died had said is shown.
const LAST_WORDS: usize = 2000;

#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// How many seconds to wait until everything answers.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

/// Starts a host when none runs.
pub(crate) async fn run(workspace: &Workspace, options: &UpOptions) -> anyhow::Result<Outcome> {
    let (screen, begun) = (Screen::new(), Instant::now());
    let mut child = match control::running_host(workspace).await? {
        Some(_) => None,
        None => Some(start(workspace, options)?),
    };
    let deadline = begun + Duration::from_secs(options.wait);
    let mut last = None;
    while Instant::now() < deadline {
        if let Some(ended) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            bail!("the host ended ({ended}); it said:\n{}", said(workspace));
        }
        last = control::status(workspace).await?;
        if let Some(status) = &last
            && is_up(status)
        {
            let what = match status.releases.is_empty() {
                true => "the host runs; nothing was released yet: `sides release` does it".to_owned(),
                false => format!("everything answers: {}", status.address.as_deref().unwrap_or_default()),
            };
            screen.line(&tell::done(screen.palette, &what, begun.elapsed()));
            return Ok(Outcome::Done);
        }
        time::sleep(Duration::from_millis(50)).await;
    }
    if let Some(status) = last {
        screen.line(&tell::whole_status(&status, screen.palette));
    }
    screen.line(&tell::fault(screen.palette, &format!("not everything answers after {} s", options.wait)));
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
    let mut command = Command::new(succession::own_program()?);
    command.args(["host", "--detached", "--root"]).arg(workspace.root());
    command.args(["--host", &options.host.to_string(), "--port", &options.port.to_string()]);
    command.current_dir(workspace.root()).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    command.process_group(0).spawn().context("the host cannot be started")
}

fn said(workspace: &Workspace) -> String {
    let text = fs::read_to_string(workspace.logs_folder().join("host.out")).unwrap_or_default();
    let from = text.len().saturating_sub(LAST_WORDS);
    String::from_utf8_lossy(&text.as_bytes()[from..]).trim_end().to_owned()
}
