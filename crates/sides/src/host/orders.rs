//! What the host does when it is told to.

use std::time::Duration;

use anyhow::Context as _;
use platform::local::{Launch, Supervisor};
use tokio::sync::{mpsc, watch};

use crate::{
    control::{DevStatus, Order, Roll},
    display::{Screen, tell},
    releases::{Digest, Set, Store},
};

/// A new copy that is not ready by then is given up.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Host {
    pub(super) supervisor: Supervisor,
    pub(super) store: Store,
    pub(super) launches: Vec<Launch>,
    pub(super) status: watch::Sender<DevStatus>,
}

impl Host {
    /// Starts what ran last.
    pub(super) fn start(&mut self, screen: &Screen) -> anyhow::Result<()> {
        let running = self.store.running()?;
        for launch in self.launches.clone() {
            let name = launch.procfile.name.clone();
            match running.get(&name) {
                Some(digest) => self.supervisor.keep(self.launch_of(launch, digest)?),
                None => screen.line(&tell::notice(screen.palette, &format!("{name} was not released yet"))),
            }
        }
        self.tell(&running);
        Ok(())
    }

    /// Carries out one order after the other, for ever.
    pub(super) async fn obey(&mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some((roll, answer)) = orders.recv().await {
            let done = self.roll(&roll).await.map_err(|error| format!("{error:#}"));
            // Whoever asked may have gone; what was done stays done.
            drop(answer.send(done));
        }
        // The server has gone, and with it the process soon.
        std::future::pending::<()>().await;
    }

    async fn roll(&mut self, roll: &Roll) -> anyhow::Result<()> {
        let named = |launch: &&Launch| launch.procfile.name == roll.process;
        let launch = self.launches.iter().find(named).cloned();
        let launch =
            launch.with_context(|| format!("there was no Procfile.{} when the host began", roll.process))?;
        let mut running = self.store.running()?;
        let digest = match &roll.digest {
            Some(text) => Digest::parse(text).context("this is no digest")?,
            None => running.get(&roll.process).context("it was not released yet")?.clone(),
        };
        let launch = self.launch_of(launch, &digest)?;
        self.supervisor.roll(launch, PATIENCE).await?;
        running.insert(roll.process.clone(), digest);
        self.store.set_running(&running)?;
        self.tell(&running);
        Ok(())
    }

    fn launch_of(&self, mut launch: Launch, digest: &Digest) -> anyhow::Result<Launch> {
        let name = &launch.procfile.name;
        let folder = self.store.find(name, digest).with_context(|| {
            format!("{name} {digest} is not kept here any more: release it again with `sides release`")
        })?;
        let inherited = std::env::split_paths(&launch.path).collect::<Vec<_>>();
        launch.path = std::env::join_paths([folder].into_iter().chain(inherited))?;
        launch.environment.push(("RELEASE".to_owned(), digest.to_string().into()));
        Ok(launch)
    }

    fn tell(&self, running: &Set) {
        let releases = running.iter().map(|(name, digest)| (name.clone(), digest.as_str().to_owned()));
        self.status.send_modify(|status| status.releases = releases.collect());
    }
}
