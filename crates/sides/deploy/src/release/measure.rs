//! The strict prober beside a release.

use std::{net::SocketAddr, time::Duration};

use platform::{
    local::State,
    place::InstanceState,
    prober::{Plan, Prober},
};

use super::visitor;
use crate::places::Places;
use workspace::control::DevStatus;

/// Enough to meet every moment of a hand-over, and no load: some 300 requests a second.
const CLIENTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

/// Asks web, the process that visitors reach, at their address, when it runs.
pub(super) async fn start(
    places: &Places,
    status: Option<&DevStatus>,
    web: &str,
    path: &str,
) -> Option<Prober> {
    match places.is_local(web) {
        true => local(status?, web, path),
        false => remote(places, web, path).await,
    }
}

/// Clients with fresh connections and clients that keep theirs.
fn local(status: &DevStatus, web: &str, path: &str) -> Option<Prober> {
    // One that answers badly is asked, too: what follows it is held to it.
    let is_up = |state| matches!(state, State::Ready | State::Unready);
    let runs = status.processes.iter().any(|process| process.name == web && is_up(process.state));
    let address: SocketAddr = status.address.as_deref()?.strip_prefix("http://")?.parse().ok()?;
    let plan = Plan { address, path: path.to_owned(), fresh: CLIENTS, kept: CLIENTS, pause: PAUSE };
    runs.then(|| Prober::start(&plan))
}

/// A place that does not answer is no reason not to release: the release itself will tell.
async fn remote(places: &Places, web: &str, path: &str) -> Option<Prober> {
    let place = places.place_of(web);
    let instances = place.instances(web).await.ok()?;
    let address = place.public_address(web).await.ok()??;
    let runs = instances.iter().any(|instance| instance.state == InstanceState::Healthy);
    if runs { visitor::start(&format!("{address}{path}")).ok() } else { None }
}
