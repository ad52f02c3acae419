//! The programs, built by cargo, whose own words show the progress and the faults.

use std::{env, ffi::OsString, path::PathBuf, process::Stdio};

use anyhow::{Context as _, bail};
use platform::{
    local::{Group, bind_to_supervisor},
    procfile::Procfile,
};

use super::{
    Dev,
    cargo::{self, Metadata},
};

/// The program that changes the schema.
pub(super) const MIGRATE: &str = "migrate";

/// What was built.
pub(super) struct Built {
    /// Where programs are looked up: fresh builds first.
    pub(super) path: OsString,
    /// Whether the workspace has a program that changes the schema.
    pub(super) migrates: bool,
}

/// Builds what the Procfiles name, as far as this workspace builds it, and `migrate`.
pub(super) async fn run(dev: &Dev, procfiles: &[Procfile]) -> anyhow::Result<Built> {
    let Some(metadata) = Metadata::read(&dev.workspace).await? else {
        // An installed set of programs, without sources.
        return Ok(Built { path: search_path(None)?, migrates: true });
    };
    let named = procfiles.iter().map(|procfile| procfile.program.as_str()).chain([MIGRATE]);
    let programs: Vec<&str> = named.filter(|program| metadata.has_program(program)).collect();
    if !programs.is_empty() {
        build(dev, &programs).await?;
    }
    let profile = if dev.options.release { "release" } else { "debug" };
    let path = search_path(Some(metadata.target_directory.join(profile)))?;
    Ok(Built { path, migrates: programs.contains(&MIGRATE) })
}

async fn build(dev: &Dev, programs: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo::command(&dev.workspace);
    command.args(["build", "--workspace"]);
    for program in programs {
        command.args(["--bin", program]);
    }
    if dev.options.release {
        command.arg("--release");
    }
    // Cargo draws its progress on a terminal and prints plain lines elsewhere; both are what is wanted.
    command.stdin(Stdio::null());
    bind_to_supervisor(&mut command, None);
    let mut child = command.spawn().context(cargo::NOT_RUN)?;
    let _compilers = Group::led_by(&child).map(EndOnDrop);
    let status = child.wait().await.context("cargo cannot be waited for")?;
    if !status.success() {
        bail!("the build failed ({status}); cargo says why above. Nothing was started");
    }
    Ok(())
}

/// Cargo's compilers go with it when nobody waits for the build any more.
struct EndOnDrop(Group);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn search_path(first: Option<PathBuf>) -> anyhow::Result<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let entries = first.into_iter().chain(env::split_paths(&inherited));
    env::join_paths(entries).context("the target folder's name holds a colon, which a PATH cannot hold")
}
