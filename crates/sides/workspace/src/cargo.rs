//! Cargo, as the workspace's own programs need it.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Stdio,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::Workspace;

/// What cargo knows about the workspace.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    packages: Vec<Package>,
    /// Where builds go.
    pub target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Metadata {
    /// Reads it; `None` when the folder is no cargo workspace.
    pub async fn read(workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        if !workspace.root().join("Cargo.toml").exists() {
            return Ok(None);
        }
        let mut cargo = command(workspace);
        cargo.args(["metadata", "--no-deps", "--format-version", "1"]).stdin(Stdio::null());
        let output = cargo.kill_on_drop(true).output().await.context(NOT_RUN)?;
        if !output.status.success() {
            bail!("cargo cannot load the workspace:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Some(serde_json::from_slice(&output.stdout).context("cannot parse the output of cargo metadata")?))
    }

    /// Whether the workspace builds a program of this name.
    pub fn has_program(&self, name: &str) -> bool {
        self.package_of(name).is_some()
    }

    /// The package that builds it.
    pub fn package_of(&self, program: &str) -> Option<&str> {
        let is_it = |target: &Target| target.name == program && target.kind.iter().any(|kind| kind == "bin");
        let package = self.packages.iter().find(|package| package.targets.iter().any(is_it));
        package.map(|package| package.name.as_str())
    }
}

/// What to say when cargo cannot be started.
pub const NOT_RUN: &str = "cannot run cargo: is it in PATH?";

/// Cargo in the workspace. When cargo itself started this program, it is the same cargo, without the variables
/// that describe this package: build scripts watch them and would run again.
pub fn command(workspace: &Workspace) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os().filter(|(name, _)| describes_a_package(name)) {
        command.env_remove(name);
    }
    command.current_dir(workspace.root());
    command
}

fn describes_a_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_workspace_builds_its_processes() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        let workspace = Workspace::find(Some(&root)).unwrap();
        let metadata = Metadata::read(&workspace).await.unwrap().unwrap();
        assert!(["web", "worker", "clock", "migrate"].iter().all(|name| metadata.has_program(name)));
        assert!(!metadata.has_program("models"), "a library is no program");
        assert!(metadata.target_directory.is_absolute());
    }
}
