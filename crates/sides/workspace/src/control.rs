//! How commands reach the `dev` or host of a workspace.

use platform::local::LocalHost;
pub use platform::local::control::{
    Client, ControlError, Done, Failure, IS_DEV, Lock, Order, Phase, PostgresState, PostgresStatus, Server,
    Status as DevStatus, Task, What,
};

use crate::Workspace;

/// What runs now; `None` when nothing does.
pub async fn status(workspace: &Workspace) -> Result<Option<DevStatus>, ControlError> {
    platform::local::control::status(&workspace.run_folder()).await
}

/// The host that runs now; `None` when nothing does.
pub async fn running_host(workspace: &Workspace) -> anyhow::Result<Option<LocalHost>> {
    let Some(status) = status(workspace).await? else { return Ok(None) };
    anyhow::ensure!(status.is_host, IS_DEV);
    Ok(Some(LocalHost::of(&workspace.run_folder())))
}
