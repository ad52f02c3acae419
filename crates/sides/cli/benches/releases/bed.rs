//! A workspace with a host, on a database of its own.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use database::DatabaseUrl;
use platform::{
    local::LocalHost,
    place::{Bundle, BundleFile, Place as _, Why},
    prober::{Plan, Prober},
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::{Arguments, PATIENCE, PROCESSES};

/// Schedules that fire every second, beside those of the clock.
const SCHEDULES: usize = 5;

pub(crate) struct Bed {
    pub(crate) folder: TempDir,
    pub(crate) programs: PathBuf,
    pub(crate) url: DatabaseUrl,
    pub(crate) host: Child,
    pub(crate) place: LocalHost,
    /// How many instances there are of all three together.
    pub(crate) instances: usize,
    number: u32,
}

impl Bed {
    pub(crate) async fn start(programs: PathBuf, url: DatabaseUrl) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sides-bench-").tempdir()?;
        for name in PROCESSES {
            fs::write(folder.path().join(format!("Procfile.{name}")), format!("{name}: {name}\n"))?;
        }
        let host = start_host(folder.path(), &url)?;
        let run_folder = folder.path().canonicalize()?.join(".sides/run");
        let (place, instances) = (LocalHost::of(&run_folder), PROCESSES.len());
        let mut bed = Self { place, folder, programs, url, host, instances, number: 0 };
        for process in PROCESSES {
            bed.release(process).await?;
        }
        for number in 0..SCHEDULES {
            let name = format!("bench_{number}");
            let added = sides(bed.folder.path(), &bed.url)
                .args(["schedule", "add", &name, "* * * * * *", "ping_due_services"])
                // By default the last of several moments that are due at once is enough.
                .args(["--missed", "all within 1 h"])
                .output()?;
            ensure!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        }
        Ok(bed)
    }

    /// A build that differs by a byte takes the place of the one that runs.
    pub(crate) async fn release(&mut self, process: &str) -> anyhow::Result<Duration> {
        self.number += 1;
        let mut bytes = fs::read(self.programs.join(process))?;
        bytes.extend(self.number.to_le_bytes());
        self.put(process, &bytes).await
    }

    pub(crate) async fn put(&self, process: &str, bytes: &[u8]) -> anyhow::Result<Duration> {
        use std::os::unix::fs::PermissionsExt as _;
        let source = self.folder.path().join("built");
        fs::write(&source, bytes)?;
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755))?;
        let digest = hex::encode(Sha256::digest(bytes));
        let files = vec![BundleFile { name: process.to_owned(), source }];
        self.place.offer(process, &digest, &Bundle { command: process.to_owned(), files }).await?;
        let why = Why { asked_by: "bench".to_owned(), reason: "a release".to_owned() };
        let begun = Instant::now();
        self.place.put(process, &digest, &why).await?;
        Ok(begun.elapsed())
    }

    pub(crate) async fn prober(&self, arguments: &Arguments) -> anyhow::Result<Prober> {
        let status = self.place.status().await?;
        let address = status.address.as_deref().and_then(|text| text.strip_prefix("http://"));
        Ok(Prober::start(&plan(address.context("web has an address")?.parse()?, arguments)))
    }

    /// Until the instances that were replaced have drained.
    pub(crate) async fn until_alone(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.place.status().await?.processes.len() > self.instances {
            ensure!(begun.elapsed() < PATIENCE, "an instance does not leave");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What runs is open anyway: old builds would fill the disk. So many of each process stay.
    pub(crate) fn prune(&self, stay: usize) -> anyhow::Result<()> {
        let releases = self.folder.path().join(".sides/releases");
        for process in PROCESSES {
            let mut kept: Vec<_> = fs::read_dir(releases.join(process))?.flatten().collect();
            kept.sort_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok());
            let old = kept.len().saturating_sub(stay);
            kept.into_iter().take(old).try_for_each(|entry| fs::remove_dir_all(entry.path()))?;
        }
        Ok(())
    }

    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        let stopped = sides(self.folder.path(), &self.url).arg("stop").output()?;
        ensure!(stopped.status.success(), "{}", String::from_utf8_lossy(&stopped.stderr));
        self.host.wait()?;
        Ok(())
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // What a host runs outlives it: told to stop, it takes them along. It may have been stopped before.
        drop(sides(self.folder.path(), &self.url).arg("stop").output());
    }
}

pub(crate) fn plan(address: SocketAddr, arguments: &Arguments) -> Plan {
    let kept = arguments.clients / 2;
    let fresh = arguments.clients - kept;
    Plan { address, path: arguments.path.clone(), fresh, kept, pause: Duration::ZERO }
}

pub(crate) fn start_host(folder: &Path, url: &DatabaseUrl) -> anyhow::Result<Child> {
    let out = fs::OpenOptions::new().append(true).create(true).open(folder.join("host.out"))?;
    let mut command = sides(folder, url);
    command.args(["host", "--port", "0", "--detached"]).stdout(out.try_clone()?).stderr(out);
    Ok(command.spawn()?)
}

pub(crate) fn sides(folder: &Path, url: &DatabaseUrl) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sides"));
    environment(&mut command, url);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn environment(command: &mut Command, url: &DatabaseUrl) {
    command.env("DATABASE_URL", url.expose()).env("ADMIN_TOKEN", "a-token-for-the-bench-alone");
    command
        .env("ALLOW_PRIVATE_ADDRESSES", "true")
        .env_remove("SIDES_ROOT")
        .env_remove("HOST")
        .env_remove("PORT");
}
