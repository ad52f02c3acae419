//! The release programs, as they are shipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use database::DatabaseUrl;
use testing::Program;

use crate::usage;

/// Builds them; answers with their folder.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).args(["build", "--release", "--locked"]);
    cargo.args(["--workspace", "--bin", "web", "--bin", "worker", "--bin", "clock"]);
    // They describe this package; build scripts watch them and would run again.
    let describes_this =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.starts_with(one));
    for (name, _) in std::env::vars().filter(|(name, _)| describes_this(name)) {
        cargo.env_remove(name);
    }
    ensure!(cargo.status()?.success(), "the programs do not build");
    let this = std::env::current_exe()?;
    Ok(this.ancestors().nth(2).context("a benchmark lies in target/release/deps")?.to_owned())
}

/// One of them at work. Killed when dropped.
pub(crate) struct Running {
    pub(crate) name: &'static str,
    pub(crate) pid: i32,
    program: Program,
}

impl Running {
    pub(crate) async fn start(
        folder: &Path,
        name: &'static str,
        database: &DatabaseUrl,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(folder.join(name));
        command.env("DATABASE_URL", database.expose()).env("OPS_PORT", "0").env("PORT", "0");
        command.env("ALLOW_PRIVATE_ADDRESSES", "true").env_remove("LOG");
        let program = Program::start(&mut command);
        program.answers("/readyz", 200, "ready").await;
        let (_, status) = program.get("/status").await;
        let status: serde_json::Value = serde_json::from_str(&status)?;
        let pid = status["pid"].as_i64().context("a status has a pid")?;
        Ok(Self { name, pid: i32::try_from(pid)?, program })
    }

    pub(crate) async fn public_address(&self) -> anyhow::Result<String> {
        let status: serde_json::Value = serde_json::from_str(&self.program.get("/status").await.1)?;
        Ok(status["public_address"].as_str().context("web says where it answers")?.to_owned())
    }

    pub(crate) fn peak_memory_kb(&self) -> anyhow::Result<u64> {
        usage::peak_memory_kb(self.pid)
    }
}
