//! `sides migration …`: the commands of `migrate`, on the database that `dev` uses.

use std::process::ExitCode;

use migrate::{
    Sources,
    cli::{self, Command, Common},
};

use workspace::{Workspace, with_database_or_new};

pub(crate) async fn run(
    workspace: &Workspace,
    command: Command,
    mut common: Common,
) -> anyhow::Result<ExitCode> {
    // In a checkout its files count, not what this program was built with.
    let folder = workspace.root().join("migrations");
    if common.folder.is_none() && folder.is_dir() {
        common.folder = Some(folder);
    }
    if let Some(outcome) = cli::without_database(&command, &common, &Sources::checkout()) {
        return Ok(outcome.into());
    }
    with_database_or_new(workspace, async |url| {
        Ok(cli::run(url, command, &common, &Sources::checkout()).await.into())
    })
    .await
}
