//! The running processes, and how they end.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use platform::local::{Launch, Lifetime, Policy, Ports, Supervisor};
use tokio::time;

use super::{dev::Dev, rolling::Rolling};
use host::{Feed, describe};
use workspace::{control::Phase, loopback_client};

/// More than the processes give themselves (`DRAIN_SECONDS`).
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Runs everything until someone wants the end, then drains it.
pub(super) async fn run(
    dev: &Dev,
    mut launches: Vec<Launch>,
    mut rolling: Option<Rolling>,
    ports: Arc<Ports>,
) -> anyhow::Result<()> {
    let (mut supervisor, watch) =
        Supervisor::new(loopback_client()?, Policy::default(), ports, DRAIN_LIMIT, Lifetime::Together)
            .context("cannot start a thread")?;
    let mut feed = Feed::new(&dev.screen, &dev.status, watch, &launches, || ready(dev));
    for launch in &launches {
        supervisor.keep(launch.clone());
    }
    dev.enter(Phase::Running);
    tokio::select! {
        () = feed.show_for_ever() => {}
        () = follow(dev, rolling.as_mut(), &mut supervisor, &mut launches) => {}
        () = dev.stop.asked() => {}
    }
    dev.enter(Phase::Stopping);
    let kill = supervisor.kill_token();
    let drain = supervisor.drain();
    tokio::pin!(drain);
    let mut hurried = false;
    loop {
        tokio::select! {
            () = &mut drain => break,
            () = feed.show_for_ever() => time::sleep(Duration::from_millis(50)).await,
            () = dev.stop.hurried(), if !hurried => {
                hurried = true;
                kill.cancel();
            }
        }
    }
    feed.show_rest();
    dev.screen.status(&[]);
    Ok(())
}

async fn follow(
    dev: &Dev,
    rolling: Option<&mut Rolling>,
    supervisor: &mut Supervisor,
    launches: &mut [Launch],
) {
    match rolling {
        Some(rolling) => rolling.follow(dev, supervisor, launches).await,
        None => std::future::pending().await,
    }
}

fn ready(dev: &Dev) -> String {
    let status = dev.status.borrow();
    let token = status.admin_token_file.as_deref().map(|file| dev.workspace.relative(file));
    describe::ready(dev.screen.palette, &status, token.as_deref(), dev.begun.elapsed())
}
