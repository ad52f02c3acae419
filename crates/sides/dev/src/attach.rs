//! A second `dev` in a workspace shows the status of the first.

use std::{sync::Arc, time::Duration};

use platform::local::State;
use tokio::time;

use host::describe;
use terminal::{Palette, Screen};
use workspace::{
    Outcome, Stop,
    control::{Client, DevStatus},
};

/// Shows the status until the other `dev` ends, or Ctrl-C, which leaves it running. `None` when it ended
/// before it said anything: killed just now, while its socket still took connections.
pub(crate) async fn run(
    client: Client,
    screen: &Arc<Screen>,
    stop: &Stop,
) -> anyhow::Result<Option<Outcome>> {
    let Ok(mut statuses) = client.watch().await else { return Ok(None) };
    let Some(mut status) = statuses.next().await? else { return Ok(None) };
    let address = status.address.as_deref().map(|address| format!(" at {address}")).unwrap_or_default();
    screen
        .line(&format!("dev is already running here{address} (pid {}). Attached to its status;", status.pid));
    screen.line("Ctrl-C leaves it running; `sides stop` stops it.");
    screen.line(&describe::whole_status(&status, screen.palette));
    let mut tick = time::interval(Duration::from_secs(1));
    while !screen.is_gone() {
        screen.status(&describe::status_line(&status));
        tokio::select! {
            () = stop.asked() => return Ok(Some(Outcome::Done)),
            _ = tick.tick() => {}
            next = statuses.next() => match next? {
                Some(fresh) => {
                    for line in changes(&status, &fresh, screen.palette) {
                        screen.line(&line);
                    }
                    status = fresh;
                }
                None => {
                    screen.status(&[]);
                    screen.line(&format!("dev (pid {}) has ended.", status.pid));
                    return Ok(Some(Outcome::Done));
                }
            },
        }
    }
    Ok(Some(Outcome::Done))
}

fn changes(before: &DevStatus, after: &DevStatus, palette: Palette) -> Vec<String> {
    let mut lines = Vec::new();
    if before.address != after.address
        && let Some(address) = &after.address
    {
        lines.push(format!("The page: {address}"));
    }
    let was = |name: &str| before.processes.iter().find(|process| process.name == name).map(|p| p.state);
    for process in &after.processes {
        if was(&process.name) != Some(process.state) && process.state != State::Starting {
            lines.push(describe::one_process(process, palette));
        }
    }
    if before.postgres.state != after.postgres.state {
        lines.push(describe::postgres(&after.postgres, palette));
    }
    lines
}
