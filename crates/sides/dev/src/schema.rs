//! Migrates the database with the workspace's own `migrate` before the processes start.

use std::{ffi::OsStr, process::Stdio};

use anyhow::{Context as _, bail};
use platform::local::{bind_to_supervisor, find_program};
use tokio::process::Command;

use super::{build::MIGRATE, dev::Dev};

pub(super) async fn migrate(dev: &Dev, path: &OsStr, database_url: &str) -> anyhow::Result<()> {
    let folder = dev.workspace.root();
    let program =
        find_program(MIGRATE, folder, path).with_context(|| format!("no program {MIGRATE} in PATH"))?;
    let mut command = Command::new(program);
    // The address may hold a password: never in the arguments, which everyone can read.
    command.arg("up").current_dir(folder).env("DATABASE_URL", database_url).stdin(Stdio::null());
    bind_to_supervisor(&mut command, None);
    let output = command.output().await.context("cannot run migrate")?;
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said = String::from_utf8_lossy(&said);
    if !output.status.success() {
        bail!("the schema was not changed ({}); the output of migrate:\n{}", output.status, said.trim_end());
    }
    Ok(())
}
