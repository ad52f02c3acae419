//! `sides dev`.

use std::net::{IpAddr, Ipv4Addr};

use clap::Args;
use install::Consent;
use workspace::{Outcome, Workspace};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The address that web listens on. Other machines can connect to anything but loopback.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Web's port; if it is in use, the next free one.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
    /// Do not rebuild and replace processes after each save.
    #[arg(long)]
    no_watch: bool,
    /// Install Postgres without asking if this machine has none.
    #[arg(long, short, visible_alias = "install")]
    yes: bool,
    /// Never install anything: a missing Postgres is an error.
    #[arg(long, conflicts_with = "yes")]
    no_install: bool,
}

pub(crate) async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
    let Options { host, port, release, no_watch, yes, no_install } = options;
    let consent = Consent::of(yes, no_install);
    dev::run(workspace, dev::Options { host, port, release, watch: !no_watch, consent }).await
}
