//! Builds the programs with cargo, whose own output shows progress and errors.

use std::{env, ffi::OsString, path::PathBuf, process::Stdio};

use anyhow::{Context as _, bail};
use platform::{
    local::{Group, bind_to_supervisor},
    procfile::Procfile,
};

use super::dev::Dev;
use workspace::cargo::{self, Metadata};

/// The program that changes the schema.
pub(super) const MIGRATE: &str = "migrate";

/// What was built.
pub(super) struct Built {
    /// Where programs are looked up: fresh builds first.
    pub(super) path: OsString,
    /// Whether the workspace has a program that changes the schema.
    pub(super) migrates: bool,
    /// What can be built again; `None` for an installed set of programs, without sources.
    pub(super) sources: Option<Sources>,
}

/// The programs that this workspace builds.
pub(super) struct Sources {
    /// Their names.
    pub(super) programs: Vec<String>,
    /// Where cargo builds.
    pub(super) target_directory: PathBuf,
    /// Where it puts the programs.
    pub(super) folder: PathBuf,
}

/// Builds what the Procfiles name, as far as this workspace builds it, and `migrate`.
pub(super) async fn run(dev: &Dev, procfiles: &[Procfile]) -> anyhow::Result<Built> {
    let Some(metadata) = Metadata::read(&dev.workspace).await? else {
        return Ok(Built { path: search_path([])?, migrates: true, sources: None });
    };
    let named = procfiles.iter().map(|procfile| procfile.program.as_str()).chain([MIGRATE]);
    let programs: Vec<String> =
        named.filter(|program| metadata.has_program(program)).map(str::to_owned).collect();
    // `cargo run` builds everything before it gets here.
    if !programs.is_empty() && env::var_os("SIDES_BUILT").is_none() {
        build(dev, &programs).await.context("nothing was started")?;
    }
    let profile = if dev.options.release { "release" } else { "debug" };
    let folder = metadata.target_directory.join(profile);
    let migrates = programs.iter().any(|program| program == MIGRATE);
    let sources = Sources { programs, target_directory: metadata.target_directory, folder };
    Ok(Built { path: search_path([sources.folder.clone()])?, migrates, sources: Some(sources) })
}

/// Builds these programs of the workspace.
pub(super) async fn build(dev: &Dev, programs: &[String]) -> anyhow::Result<()> {
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
    let status = child.wait().await.context("cannot wait for cargo")?;
    if !status.success() {
        bail!("the build failed ({status}); see cargo's output above");
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

/// The inherited search path, with folders in front.
pub(super) fn search_path(first: impl IntoIterator<Item = PathBuf>) -> anyhow::Result<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let entries = first.into_iter().chain(env::split_paths(&inherited));
    env::join_paths(entries).context("the target directory's name contains a colon, which PATH cannot hold")
}
