//! `sides dev`: everything on this machine, from one command.
//!
//! Build and Postgres at the same time, then the schema, then the processes, until someone wants the end. What
//! can be seen of it is one [`DevStatus`], which the screen shows and the control socket reports.
//!
//! ```no_run
//! # async fn example(options: sides_dev::Options) -> anyhow::Result<()> {
//! let workspace = workspace::Workspace::find(None)?;
//! sides_dev::run(&workspace, options).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Never knows a release, nor a place beyond this machine.

mod admin_token;
mod attach;
mod build;
mod dev;
mod launches;
mod postgres;
mod prepare;
mod processes;
mod programs;
mod rolling;
mod saves;
mod schema;
mod spinner;

use std::{sync::Arc, time::Instant};

use dev::Dev;
pub use dev::Options;
use tokio::sync::watch;

use terminal::Screen;
use workspace::{
    Outcome, Stop, Workspace,
    control::{Client, DevStatus, Lock, Server},
};

/// Runs until Ctrl-C, `sides stop` or a fault; attaches when another one runs already.
///
/// # Errors
/// When something that everything needs is not available: a build, a database, a schema, a port.
pub async fn run(workspace: &Workspace, options: Options) -> anyhow::Result<Outcome> {
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
            dev.screen.line("Stopped before everything was running.");
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
