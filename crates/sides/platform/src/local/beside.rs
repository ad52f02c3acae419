//! A new release asked beside the one that serves, before any visitor reaches it.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use tokio::time;

use super::{
    instances::NotReplaced,
    launch::Launch,
    probe::reachable,
    status::{ProcessStatus, State},
    supervisor::Supervisor,
};
use crate::prober::Pairs;

/// How long the candidate may take to leave before what comes next begins anyway.
const LEAVE_LIMIT: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Starts one instance of `launch` that listens on a socket of its own, asks it and the instances that serve for `path`
    /// in turn, and ends it again. `None` when there is nothing to compare it with: the process has no listener, or none of
    /// its instances is ready.
    ///
    /// # Errors
    /// When the new instance dies before it was ready, or is not ready within `patience`; or when there is no free port.
    pub async fn ask_beside(
        &mut self,
        launch: Launch,
        path: &str,
        patience: Duration,
    ) -> Result<Option<Pairs>, NotReplaced> {
        let name = launch.procfile.name.clone();
        let Some(old) = launch.page.filter(|_| self.serves(&name)) else { return Ok(None) };
        let (launch, new) = in_private(launch).map_err(|error| NotReplaced {
            process: name,
            reason: format!("there is no port to try it at: {error}"),
            nothing_else_runs: false,
        })?;
        let candidate = self.start_ready(launch, patience).await?;
        let leaves = candidate.stop.clone().drop_guard();
        let pairs = Pairs::ask(reachable(old), new, path).await;
        self.let_go(&candidate);
        drop(leaves);
        let mut statuses = self.shared.statuses.subscribe();
        let has_left =
            |statuses: &Vec<ProcessStatus>| statuses.iter().all(|one| one.instance != candidate.instance);
        // Its connections to the database are free then, for the instances that stay.
        drop(time::timeout(LEAVE_LIMIT, statuses.wait_for(has_left)).await);
        Ok(Some(pairs))
    }

    fn serves(&self, process: &str) -> bool {
        let is_ready = |status: &ProcessStatus| status.name == *process && status.state == State::Ready;
        self.shared.statuses.borrow().iter().any(is_ready)
    }
}

/// The same, on a socket that only this machine reaches and nobody else is told of.
fn in_private(launch: Launch) -> io::Result<(Launch, SocketAddr)> {
    let listener = TcpListener::bind((launch.ops_host, 0))?;
    let address = listener.local_addr()?;
    let mut environment = launch.environment.clone();
    environment.push(("HOST".to_owned(), address.ip().to_string().into()));
    environment.push(("PORT".to_owned(), address.port().to_string().into()));
    let listener = launch.listener.is_some().then(|| Arc::new(listener));
    Ok((Launch { listener, page: Some(address), environment, ..launch }, address))
}
