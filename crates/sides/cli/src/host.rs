//! `sides host` and `sides up`.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use clap::Args;
use workspace::{Outcome, Workspace};

use crate::outcome::no_host;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address that web listens on. Other machines can connect to anything but loopback.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Web's port.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Take the place of the running host, without dropping a connection or a process.
    #[arg(long)]
    replace: bool,
    /// Show what happens to the processes, but not their output, which `sides logs` shows.
    #[arg(long)]
    detached: bool,
    /// End everything with this process, however it ends.
    #[arg(long, hide = true)]
    bound: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let &Options { host, port, replace, detached, bound } = options;
    if replace {
        let outcome = host::replace(workspace).await?;
        return Ok(if outcome == Outcome::NotRunning { no_host() } else { outcome });
    }
    host::run(workspace, &host::Options { host, port, detached, bound }).await
}

#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// The address that web listens on. Other machines can connect to anything but loopback.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Web's port.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// How long to wait until everything answers, in seconds.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
}

pub(crate) async fn up(workspace: &Workspace, options: &UpOptions) -> anyhow::Result<Outcome> {
    let &UpOptions { host, port, wait } = options;
    host::up(workspace, &host::UpOptions { host, port, wait: Duration::from_secs(wait) }).await
}
