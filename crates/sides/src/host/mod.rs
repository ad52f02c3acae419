//! `sides host`: the released processes on this machine, replaced one by one when told.

mod database;
mod launches;
mod orders;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use platform::{
    local::{Policy, Ports, Supervisor},
    procfile,
};
use tokio::sync::{mpsc, watch};

use crate::{
    cli::HostOptions,
    control::{DevStatus, Lock, Phase, Server},
    dev::{Stop, named_database},
    display::{Screen, tell},
    feed::Feed,
    loopback::loopback_client,
    outcome::Outcome,
    releases::Store,
    workspace::Workspace,
};
use orders::Host;

/// What a process may take beyond its own `DRAIN_SECONDS`.
const DRAIN_SLACK: Duration = Duration::from_secs(5);

/// Runs until SIGTERM, Ctrl-C or `sides stop`.
pub(crate) async fn run(workspace: &Workspace, options: &HostOptions) -> anyhow::Result<Outcome> {
    let screen = Arc::new(Screen::new());
    let stop = Stop::listen()?;
    workspace.create_folders()?;
    let Some(_lock) = Lock::take(&workspace.run_folder())? else {
        bail!("a dev or a host runs here already: `sides status` shows it, `sides stop` ends it");
    };
    let url = named_database()?
        .context("DATABASE_URL is not set: a host works on a database that outlives it; name it there")?;
    let store = Store::open(workspace)?;
    let procfiles = procfile::discover(workspace.root())?;
    let listener = launches::listen(options)?;
    let status = watch::Sender::new(DevStatus::of_host(launches::page(&listener)?));
    let (orders, received) = mpsc::channel(1);
    let _server = Server::start(&workspace.run_folder(), status.subscribe(), stop.token(), Some(orders))?;
    let _pings = database::watch(url, status.clone());

    let drain_limit = launches::drain_seconds()? + DRAIN_SLACK;
    let ports = Arc::new(Ports::default());
    let (supervisor, watch) = Supervisor::new(loopback_client()?, Policy::default(), ports, drain_limit)
        .context("cannot start a thread")?;
    let launches = launches::prepare(workspace, procfiles, &listener, options);
    let ready = || tell::ready(screen.palette, &status.borrow(), None, Duration::ZERO);
    let mut feed = Feed::new(&screen, &status, watch, &launches, ready);
    let mut host = Host { supervisor, store, launches, status: status.clone() };
    host.start(&screen)?;
    status.send_modify(|status| status.phase = Phase::Running);
    tokio::select! {
        () = feed.show_for_ever() => {}
        () = host.obey(received) => {}
        () = stop.asked() => {}
    }
    status.send_modify(|status| status.phase = Phase::Stopping);
    let kill = host.supervisor.kill_token();
    let drained = host.supervisor.drain();
    tokio::pin!(drained);
    let mut hurried = false;
    loop {
        tokio::select! {
            () = &mut drained => break,
            () = feed.show_for_ever() => tokio::time::sleep(Duration::from_millis(50)).await,
            () = stop.hurried(), if !hurried => {
                hurried = true;
                kill.cancel();
            }
        }
    }
    feed.show_rest();
    screen.status(&[]);
    screen.line("Everything has stopped.");
    Ok(Outcome::Done)
}
