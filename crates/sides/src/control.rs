//! How commands reach the `dev` or host of a workspace.

use platform::local::LocalHost;
pub(crate) use platform::local::control::{
    Client, Done, Failure, Lock, Order, Phase, PostgresState, PostgresStatus, Server, Status as DevStatus,
    Task, What,
};

use crate::workspace::Workspace;

/// The host that runs now; `None` when nothing does.
pub(crate) async fn running_host(workspace: &Workspace) -> anyhow::Result<Option<LocalHost>> {
    let Some(client) = Client::connect(&workspace.run_folder()).await? else { return Ok(None) };
    anyhow::ensure!(
        client.status().await?.is_host,
        "a dev runs here, which replaces its processes by itself; stop it with `sides stop` and start `sides host`"
    );
    Ok(Some(LocalHost::of(&workspace.run_folder())))
}
