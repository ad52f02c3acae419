//! The strict prober beside a release.

use std::{net::SocketAddr, time::Duration};

use platform::{
    local::State,
    prober::{Plan, Prober},
};

use crate::control::DevStatus;

/// Enough to meet every moment of a hand-over, and no load: some 300 requests a second.
const CLIENTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// The process that is asked.
pub(super) const WEB: &str = "web";

/// Asks web, when it runs: clients with fresh connections and clients that keep theirs.
pub(super) fn start(status: &DevStatus, path: &str) -> Option<Prober> {
    let runs = status.processes.iter().any(|process| process.name == WEB && process.state == State::Ready);
    let address: SocketAddr = status.address.as_deref()?.strip_prefix("http://")?.parse().ok()?;
    let plan = Plan { address, path: path.to_owned(), fresh: CLIENTS, kept: CLIENTS, pause: PAUSE };
    runs.then(|| Prober::start(&plan))
}
