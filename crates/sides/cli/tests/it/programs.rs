//! The programs under test, built once.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

pub(crate) const SIDES: &str = env!("CARGO_BIN_EXE_sides");

/// The folder with web, worker, clock and migrate, freshly built.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(SIDES).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(workspace()).args(["build", "--workspace", "--quiet", "--locked"]);
        cargo.args(["--bin", "web", "--bin", "worker", "--bin", "clock", "--bin", "migrate"]);
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        // They describe this package; build scripts watch them and would run again.
        let describes_this =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.starts_with(one));
        for (name, _) in std::env::vars().filter(|(name, _)| describes_this(name)) {
            cargo.env_remove(name);
        }
        assert!(cargo.status().unwrap().success(), "the programs do not build");
        folder.to_owned()
    })
}

/// This workspace's root.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// Every page of `deploy/`, one after the other.
pub(crate) fn runbook() -> String {
    let entries = std::fs::read_dir(workspace().join("deploy")).unwrap();
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.sort();
    pages.iter().map(|page| std::fs::read_to_string(page).unwrap() + "\n").collect()
}
