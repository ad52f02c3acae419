//! The machine: programs, disk, time zones.

use std::{path::Path, process::Command};

use install::Need;

use super::finding::Finding;

/// Below this a build or a database soon fails.
const LITTLE_DISK: u64 = 2 << 30;

pub(super) fn look(folder: &Path) -> Vec<Finding> {
    let own = Finding::good("sides", format!("version {}", env!("CARGO_PKG_VERSION")));
    vec![
        own,
        program("cargo", "releases are built with it: install Rust from https://rustup.rs"),
        program("git", "plans compare with commits through it: install git"),
        postgres(),
        disk(folder),
        zones(),
    ]
}

fn program(name: &'static str, advice: &str) -> Finding {
    match Command::new(name).arg("--version").output() {
        Ok(output) if output.status.success() => {
            Finding::good(name, String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Finding::notice(name, "not found on the PATH", advice),
    }
}

fn postgres() -> Finding {
    let found: Vec<String> = install::installations()
        .iter()
        .map(|one| format!("{} in {}", one.major, one.folder.display()))
        .collect();
    if !found.is_empty() {
        return Finding::good("Postgres' server programs", found.join(", "));
    }
    let advice = install::install_command(Need::Postgres).map_or_else(
        || "install this system's package of Postgres' server".to_owned(),
        |command| format!("`sides dev` gets them, or: {command}"),
    );
    Finding::notice("Postgres' server programs", "none; only a database of DATABASE_URL can be used", advice)
}

fn disk(folder: &Path) -> Finding {
    const TOPIC: &str = "disk";
    match nix::sys::statvfs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.blocks_available() * disk.fragment_size();
            let text = format!("{:.1} GiB free in {}", free as f64 / f64::from(1 << 30), folder.display());
            if free < LITTLE_DISK {
                return Finding::fault(TOPIC, text, "a build needs about 5 GiB: make room, or `cargo clean`");
            }
            Finding::good(TOPIC, text)
        }
        Err(error) => {
            let text = format!("{} cannot be looked at: {error}", folder.display());
            Finding::fault(TOPIC, text, "see that the folder is there and may be read")
        }
    }
}

fn zones() -> Finding {
    const TOPIC: &str = "time zones";
    let folder = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"];
    match folder.iter().find(|folder| Path::new(folder).join("Europe/Berlin").exists()) {
        Some(folder) => Finding::good(TOPIC, format!("the system's rules are in {folder}")),
        None => Finding::notice(
            TOPIC,
            "the system has no zone rules; those that were built in are used",
            "install the package tzdata, and keep it current",
        ),
    }
}
