//! `sides stop`.

use workspace::{Outcome, Workspace, control::Client};

pub(crate) async fn run(workspace: &Workspace) -> anyhow::Result<Outcome> {
    let Some(client) = Client::connect(&workspace.run_folder()).await? else {
        println!("nothing is running in {}", workspace.root().display());
        return Ok(Outcome::NotRunning);
    };
    let pid = client.stop().await?;
    println!("stopped (pid {pid})");
    Ok(Outcome::Done)
}
