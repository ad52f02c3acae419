//! `sides host --replace`: takes the place of the running host.

use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::time;

use terminal::Screen;
use terminal::tell;
use workspace::{
    Outcome, Workspace, actor,
    control::{Client, ControlError, DevStatus, Order, Phase, What, status},
};

/// The new host answers well within this.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has the running host become this very program, and waits until that answers.
///
/// # Errors
/// When the host refuses, or its successor does not answer.
pub async fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let (screen, begun) = (Screen::new(), Instant::now());
    let Some(before) = status(workspace).await? else { return Ok(Outcome::NotRunning) };
    let Some(client) = Client::connect(&workspace.run_folder()).await? else {
        return Ok(Outcome::NotRunning);
    };
    let what = What::Replace { program: workspace::own_program()? };
    // It cannot answer: whoever would is somebody else by then.
    match client.order(Order { what, why: actor::why(None, "host --replace") }).await {
        Err(ControlError::WentAway) => {}
        Err(error) => return Err(error.into()),
        Ok(Err(refusal)) => bail!("the host was not replaced: {refusal}"),
        Ok(Ok(_)) => bail!("the host was not replaced"),
    }
    let is_new = |after: &DevStatus| after.started_at > before.started_at && after.phase == Phase::Running;
    while begun.elapsed() < PATIENCE {
        if let Ok(Some(after)) = status(workspace).await
            && is_new(&after)
        {
            let text = format!("the host was replaced (pid {}); its processes were not touched", after.pid);
            screen.line(&tell::done(screen.palette, &text, begun.elapsed()));
            return Ok(Outcome::Done);
        }
        time::sleep(Duration::from_millis(20)).await;
    }
    bail!(
        "the new host does not answer; its processes keep running, and `sides up` or systemd starts the next \
           host"
    )
}
