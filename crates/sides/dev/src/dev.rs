//! What everything in a `dev` shares.

use std::{net::IpAddr, sync::Arc, time::Instant};

use install::Consent;
use terminal::Screen;
use tokio::sync::watch;
use workspace::{
    Stop, Workspace,
    control::{DevStatus, Phase},
};

/// How everything is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address that web listens on.
    pub host: IpAddr,
    /// Web's port, or the next free one after it.
    pub port: u16,
    /// Build with optimisations.
    pub release: bool,
    /// Whether to build again and replace what changed after each save.
    pub watch: bool,
    /// Whether a Postgres that this machine lacks may be installed.
    pub consent: Consent,
}

/// What everything in a `dev` shares.
pub(crate) struct Dev {
    pub(crate) workspace: Workspace,
    pub(crate) options: Options,
    pub(crate) screen: Arc<Screen>,
    pub(crate) stop: Stop,
    pub(crate) status: watch::Sender<DevStatus>,
    pub(crate) begun: Instant,
}

impl Dev {
    pub(crate) fn enter(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }
}
