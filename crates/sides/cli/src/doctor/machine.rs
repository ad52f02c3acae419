//! Checks of the machine: programs, disk, time zones.

use std::{path::Path, process::Command};

use install::Need;

use super::finding::Finding;

/// Below this a build or a database soon fails.
const LITTLE_DISK: u64 = 2 << 30;

pub(super) fn look(folder: &Path) -> Vec<Finding> {
    let own = Finding::good("sides", format!("version {}", env!("CARGO_PKG_VERSION")));
    vec![
        own,
        program("cargo", "needed to build releases: install Rust from https://rustup.rs"),
        program("git", "needed to compare a plan with commits: install git"),
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
        _ => Finding::notice(name, "not found in PATH", advice),
    }
}

fn postgres() -> Finding {
    let mut found: Vec<String> = Vec::new();
    for one in install::installations() {
        let shown = format!("{} in {}", one.major, one.folder.display());
        if !found.contains(&shown) {
            found.push(shown);
        }
    }
    if !found.is_empty() {
        return Finding::good("Postgres' server programs", found.join(", "));
    }
    let advice = install::install_command(Need::Postgres).map_or_else(
        || "install your system's Postgres server package".to_owned(),
        |command| format!("`sides dev` gets them, or: {command}"),
    );
    Finding::notice(
        "Postgres' server programs",
        "none; only the database in DATABASE_URL can be used",
        advice,
    )
}

fn disk(folder: &Path) -> Finding {
    const TOPIC: &str = "disk";
    match nix::sys::statvfs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.blocks_available() * disk.fragment_size();
            let text = format!("{:.1} GiB free in {}", free as f64 / f64::from(1 << 30), folder.display());
            if free < LITTLE_DISK {
                return Finding::fault(
                    TOPIC,
                    text,
                    "a build needs about 5 GiB: free some space, for example with \
                                                    `cargo clean`",
                );
            }
            Finding::good(TOPIC, text)
        }
        Err(error) => {
            let text = format!("cannot read {}: {error}", folder.display());
            Finding::fault(TOPIC, text, "check that the directory exists and is readable")
        }
    }
}

fn zones() -> Finding {
    const TOPIC: &str = "time zones";
    let folder = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"];
    match folder.iter().find(|folder| Path::new(folder).join("Europe/Berlin").exists()) {
        Some(folder) => Finding::good(TOPIC, format!("the system's time zone rules in {folder}")),
        None => Finding::notice(
            TOPIC,
            "the system has no time zone rules; the built-in ones are used",
            "install the tzdata package and keep it up to date",
        ),
    }
}
