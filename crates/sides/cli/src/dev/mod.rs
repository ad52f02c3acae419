//! `sides dev`: everything on this machine, from one command.
//!
//! Build and Postgres at the same time, then the schema, then the processes, until someone wants the end. What
//! can be seen of it is one [`DevStatus`], which the screen draws and the control socket tells.

mod admin_token;
mod build;
mod launches;
mod postgres;
mod prepare;
mod processes;
mod programs;
mod rolling;
mod saves;
mod schema;
mod stop;
mod with_database;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use tokio::sync::watch;

pub(crate) use postgres::named as named_database;
pub(crate) use stop::Stop;
pub(crate) use with_database::with_database;

use crate::{
    attach,
    control::{Client, DevStatus, Lock, Phase, Server},
    display::Screen,
    outcome::Outcome,
    workspace::Workspace,
};

#[derive(Debug, Args)]
pub(crate) struct DevOptions {
    /// The address that web listens on. Anything but loopback lets other machines in.
    #[arg(long, env = "HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) host: IpAddr,
    /// Web's port, or the next free one behind it.
    #[arg(long, env = "PORT", default_value_t = 3000)]
    pub(crate) port: u16,
    /// Build with optimisations.
    #[arg(long)]
    pub(crate) release: bool,
    /// Do not build again and replace what changed after each save.
    #[arg(long)]
    pub(crate) no_watch: bool,
    /// Get Postgres without asking when this machine has none.
    #[arg(long, short, visible_alias = "install")]
    pub(crate) yes: bool,
    /// Never install anything: a Postgres that is missing is an error.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) no_install: bool,
}

/// What everything in a `dev` shares.
struct Dev {
    workspace: Workspace,
    options: DevOptions,
    screen: Arc<Screen>,
    stop: Stop,
    status: watch::Sender<DevStatus>,
    begun: Instant,
}

/// Runs until Ctrl-C, `sides stop` or a fault; attaches when another one runs already.
pub(crate) async fn run(workspace: &Workspace, options: DevOptions) -> anyhow::Result<Outcome> {
    let begun = Instant::now();
    let screen = Arc::new(Screen::new());
    let stop = Stop::listen()?;
    workspace.create_folders()?;
    let _lock = loop {
        if let Some(lock) = Lock::take(&workspace.run_folder())? {
            break lock;
        }
        // Either `None`: the other one has just ended, so its lock is free or soon will be.
        if let Some(client) = Client::connect(&workspace.run_folder()).await?
            && let Some(outcome) = attach::run(client, &screen, &stop).await?
        {
            return Ok(outcome);
        }
    };
    let status = watch::Sender::new(DevStatus::default());
    let _server = Server::start(&workspace.run_folder(), status.subscribe(), stop.token(), None)?;
    let dev = Dev { workspace: workspace.clone(), options, screen, stop, status, begun };

    let prepared = tokio::select! {
        prepared = prepare::run(&dev) => prepared?,
        () = dev.stop.asked() => {
            dev.screen.line("Stopped before everything ran.");
            return Ok(Outcome::Done);
        }
    };
    let postgres = postgres::Watcher::start(&dev, prepared.postgres);
    let ran = processes::run(&dev, prepared.launches, prepared.rolling, prepared.ports).await;
    // Last: the processes write their last rows while they drain.
    postgres.stop().await;
    ran?;
    dev.screen.line("Everything has stopped.");
    Ok(Outcome::Done)
}

impl Dev {
    fn enter(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }
}
