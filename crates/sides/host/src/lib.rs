//! The host: keeps the released processes of one machine running, and replaces them one by one when told.
//!
//! It takes orders at a control socket (`orders`), holds web's listening socket (`socket`), and goes on with what a
//! predecessor has left running (`resume`, `succession`). Never knows a place beyond this machine, nor how a release is planned.
//!
//! ```no_run
//! # async fn example(options: sides_host::Options) -> anyhow::Result<()> {
//! let workspace = workspace::Workspace::find(None)?;
//! sides_host::run(&workspace, &options).await?;
//! # Ok(())
//! # }
//! ```

mod action;
mod database;
mod deaths;
pub mod describe;
mod feed;
mod launches;
mod ledger;
mod manifests;
mod options;
mod orders;
mod replace;
mod resume;
mod socket;
mod succession;
mod up;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use platform::{
    local::{Lifetime, Policy, Ports, Supervisor},
    place::Why,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};
use tokio_util::task::AbortOnDropHandle;

pub use feed::Feed;
pub use options::Options;
pub use replace::run as replace;
use terminal::Screen;
pub use up::{UpOptions, run as up};
use workspace::{
    Outcome, Stop, Workspace,
    control::{DevStatus, Lock, Order, Phase, Server, Task, What},
    loopback_client, named_database,
    releases::Store,
};

use launches::Launches;
use ledger::Ledger;
use orders::Host;
use socket::Socket;
use succession::Handover;

/// What a process may take beyond its own `DRAIN_SECONDS`.
const DRAIN_SLACK: Duration = Duration::from_secs(5);

/// How long the last rows of the ledger may take at the end.
const LEDGER_PATIENCE: Duration = Duration::from_secs(2);

/// Runs until SIGTERM, Ctrl-C or `sides stop`; SIGHUP has the program in its file take its place.
///
/// # Errors
/// When another host or `dev` runs here, no database is named, or the address is taken.
pub async fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<Outcome> {
    let screen = Arc::new(Screen::new());
    let stop = Stop::listen_but_hangup()?;
    workspace.create_folders()?;
    let (lock, handed_over) = match succession::of_predecessor(workspace) {
        Some((lock, listener)) => (Some(lock), Some(listener)),
        None => (Lock::take(&workspace.run_folder())?, None),
    };
    let Some(lock) = lock else {
        bail!("a dev or a host is already running here: `sides status` shows it, `sides stop` stops it");
    };
    let url =
        named_database()?.context("DATABASE_URL is not set: a host needs a database that outlives it; set it to postgres://user:password@host:5432/name")?;
    let store = Store::open(workspace)?;
    let drain_limit = launches::drain_seconds()? + DRAIN_SLACK;
    let socket = Socket::find(workspace, &store, options, &screen, handed_over, drain_limit).await?;
    let keeping = if options.bound { None } else { socket.keep(workspace) };
    let status = watch::Sender::new(DevStatus::of_host(socket::page(&socket.listener)?));
    let (tasks, received) = mpsc::channel(1);
    let _server =
        Server::start(&workspace.run_folder(), status.subscribe(), stop.token(), Some(tasks.clone()))?;
    let ledger = Ledger::open(&workspace.run_folder(), url.clone());
    let _pings = database::watch(url.clone(), status.clone());
    let _hangups = hangups(tasks.clone())?;
    let own_tasks = tasks;

    let lifetime = match options.bound {
        true => Lifetime::Together,
        false => Lifetime::Outliving { run_folder: workspace.run_folder(), logs: workspace.logs_folder() },
    };
    let ports = Arc::new(Ports::default());
    let (supervisor, mut watch) =
        Supervisor::new(loopback_client()?, Policy::default(), ports, drain_limit, lifetime)
            .context("cannot start a thread")?;
    let heavy = std::mem::replace(&mut watch.heavy, mpsc::unbounded_channel().1);
    let _deaths = deaths::tell(&url, watch.statuses.clone());
    let mut launches = Launches::read(workspace, &socket.listener, options)?;
    launches.manifests.ask_all(&store, &store.running()?).await;
    let ready = || describe::ready(screen.palette, &status.borrow(), None, Duration::ZERO);
    let mut feed = Feed::new(&screen, &status, watch, launches.all(), ready);
    feed.show_lines(!options.detached);
    let handover = Handover { lock, listener: Arc::clone(&socket.listener) };
    let mut host = Host { supervisor, store, launches, status: status.clone(), handover, ledger };
    let orphans = platform::local::orphans(&workspace.run_folder());
    let unfinished = host.start(&screen, orphans, socket.is_inherited)?;
    let _first = give(unfinished, own_tasks);
    status.send_modify(|status| status.phase = Phase::Running);
    tokio::select! {
        () = feed.show_for_ever() => {}
        () = host.obey(received, heavy) => {}
        () = stop.asked() => {}
    }
    status.send_modify(|status| status.phase = Phase::Stopping);
    let Host { supervisor, ledger, .. } = host;
    let kill = supervisor.kill_token();
    let drained = supervisor.drain();
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
    ledger.flush(LEDGER_PATIENCE).await;
    drop(keeping);
    socket::let_keeper_go(workspace);
    feed.show_rest();
    screen.status(&[]);
    screen.line("Everything has stopped.");
    Ok(Outcome::Done)
}

/// Gives orders of our own, one after the other. What happens to them is in the ledger.
fn give(orders: Vec<Order>, tasks: mpsc::Sender<Task>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        for order in orders {
            let (answer, _) = tokio::sync::oneshot::channel();
            drop(tasks.send(Task { order, answer }).await);
        }
    }))
}

/// SIGHUP: whatever lies in our own file now takes our place.
fn hangups(tasks: mpsc::Sender<Task>) -> anyhow::Result<AbortOnDropHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let program = workspace::own_program()?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let why = Why { asked_by: "SIGHUP".to_owned(), reason: "a signal".to_owned() };
            let order = Order { what: What::Replace { program: program.clone() }, why };
            // What happens to it is told on the screen.
            let (answer, _) = tokio::sync::oneshot::channel();
            drop(tasks.send(Task { order, answer }).await);
        }
    })))
}
