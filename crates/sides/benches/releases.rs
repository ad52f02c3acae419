//! Releases in a row of web, worker and clock, under strict requests and a clock that ticks: who was failed, which job is
//! lost, which tick is missed. Beside it what else people do: a plain restart, and one under a held socket.
//!
//! `cargo bench -p sides --bench releases -- --releases 100 --clients 8` is the long run. A release differs from the one
//! before by one byte behind its program. It prints, and asserts nothing about time.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use database::DatabaseUrl;
use diesel::{QueryableByName, sql_types::BigInt};
use diesel_async::RunQueryDsl as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use platform::{
    local::{Group, LocalHost, bind_to_supervisor},
    place::{Bundle, BundleFile, Place as _, Why},
    prober::{Plan, Prober, Seen},
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use testing::TestDatabase;

const PROCESSES: [&str; 3] = ["worker", "clock", "web"];
/// Schedules that fire every second, beside those of the clock.
const SCHEDULES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(120);

/// Releases in a row, under load.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many releases of all three.
    #[arg(long, default_value_t = 10)]
    releases: u32,
    /// How many clients ask web, half of them on connections that they keep.
    #[arg(long, default_value_t = 6)]
    clients: usize,
    /// Where web, worker, clock and migrate lie; by default beside this workspace's `sides`.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A workspace with a host, on a database of its own.
struct Bed {
    folder: TempDir,
    programs: PathBuf,
    url: DatabaseUrl,
    host: Child,
    place: LocalHost,
    number: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let beside = || Path::new(env!("CARGO_BIN_EXE_sides")).parent().map(Path::to_owned).unwrap_or_default();
    let programs = arguments.programs.clone().unwrap_or_else(beside);
    for name in PROCESSES {
        ensure!(programs.join(name).exists(), "{name} is not in {}: build it first", programs.display());
    }
    drop(rustls::crypto::ring::default_provider().install_default());
    let database = TestDatabase::create().await;
    println!("{} cores, {} clients", std::thread::available_parallelism()?, arguments.clients);
    println!("{:<44} {:>9} {:>7} {:>10}", "", "requests", "failed", "slowest");
    let mut bed = Bed::start(programs, database.url().clone()).await?;
    bed.releases(&arguments).await?;
    bed.failures(&arguments).await?;
    bed.tell_jobs_and_ticks().await?;
    bed.end()?;
    restarts(&bed, &arguments, true).await?;
    restarts(&bed, &arguments, false).await
}

impl Bed {
    async fn start(programs: PathBuf, url: DatabaseUrl) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("sides-bench-").tempdir()?;
        for name in PROCESSES {
            fs::write(folder.path().join(format!("Procfile.{name}")), format!("{name}: {name}\n"))?;
        }
        let host = start_host(folder.path(), &url)?;
        let run_folder = folder.path().canonicalize()?.join(".sides/run");
        let mut bed = Self { place: LocalHost::of(&run_folder), folder, programs, url, host, number: 0 };
        for process in PROCESSES {
            bed.release(process).await?;
        }
        for number in 0..SCHEDULES {
            let name = format!("bench_{number}");
            let added = sides(bed.folder.path(), &bed.url)
                .args(["schedule", "add", &name, "* * * * * *", "ping_due_services"])
                .output()?;
            ensure!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        }
        Ok(bed)
    }

    /// A build that differs by a byte takes the place of the one that runs.
    async fn release(&mut self, process: &str) -> anyhow::Result<Duration> {
        self.number += 1;
        let mut bytes = fs::read(self.programs.join(process))?;
        bytes.extend(self.number.to_le_bytes());
        self.put(process, &bytes).await
    }

    async fn put(&self, process: &str, bytes: &[u8]) -> anyhow::Result<Duration> {
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

    async fn releases(&mut self, arguments: &Arguments) -> anyhow::Result<()> {
        let prober = self.prober(arguments).await?;
        let mut took = PROCESSES.map(|_| Vec::new());
        for _ in 0..arguments.releases {
            for (process, took) in PROCESSES.iter().zip(&mut took) {
                took.push(self.release(process).await?);
            }
            self.prune()?;
        }
        self.until_alone().await?;
        tell(&format!("{} releases of all three", arguments.releases), &prober.end().await);
        for (process, mut took) in PROCESSES.iter().zip(took) {
            took.sort();
            if let (Some(median), Some(worst)) = (took.get(took.len() / 2), took.last()) {
                let (median, worst) = (median.as_secs_f64(), worst.as_secs_f64());
                println!(
                    "  {process:<8} until the new copy serves: median {median:.2} s, worst {worst:.2} s"
                );
            }
        }
        Ok(())
    }

    /// What can go wrong, each under the same requests.
    async fn failures(&mut self, arguments: &Arguments) -> anyhow::Result<()> {
        let prober = self.prober(arguments).await?;
        let refused = self.put("web", b"#!/bin/sh\nexit 3\n").await;
        ensure!(refused.is_err(), "a build that crashes at its start was taken");
        tell("a build that crashes at its start", &prober.end().await);

        let prober = self.prober(arguments).await?;
        let refused = self.put("web", b"#!/bin/sh\nexec sleep 600\n").await;
        ensure!(refused.is_err(), "a build that is never ready was taken");
        tell("a build that is never ready", &prober.end().await);

        let prober = self.prober(arguments).await?;
        let (folder, url) = (self.folder.path().to_owned(), self.url.clone());
        for round in 0..5 {
            let first = Pid::from_raw(i32::try_from(self.host.id())?);
            let killer = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100 + 150 * round)).await;
                kill(first, Signal::SIGKILL)
            });
            let release = self.release("web");
            let successor = async {
                killer.await??;
                start_host(&folder, &url)
            };
            let (released, successor) = tokio::join!(release, successor);
            released?;
            // Only to be reaped: it is dead.
            self.host.wait()?;
            self.host = successor?;
        }
        self.until_alone().await?;
        tell("5 releases of web, the host killed in each", &prober.end().await);
        Ok(())
    }

    async fn prober(&self, arguments: &Arguments) -> anyhow::Result<Prober> {
        let status = self.place.status().await?;
        let address = status.address.as_deref().and_then(|text| text.strip_prefix("http://"));
        Ok(Prober::start(&plan(address.context("web has an address")?.parse()?, arguments)))
    }

    /// Until the copies that were replaced have drained.
    async fn until_alone(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.place.status().await?.processes.len() > PROCESSES.len() {
            ensure!(begun.elapsed() < PATIENCE, "a copy does not leave");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What runs is open anyway: old builds would fill the disk.
    fn prune(&self) -> anyhow::Result<()> {
        let releases = self.folder.path().join(".sides/releases");
        for process in PROCESSES {
            let mut kept: Vec<_> = fs::read_dir(releases.join(process))?.flatten().collect();
            kept.sort_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok());
            let old = kept.len().saturating_sub(3);
            kept.into_iter().take(old).try_for_each(|entry| fs::remove_dir_all(entry.path()))?;
        }
        Ok(())
    }

    async fn tell_jobs_and_ticks(&self) -> anyhow::Result<()> {
        #[derive(QueryableByName)]
        struct Counts {
            #[diesel(sql_type = BigInt)]
            fired: i64,
            #[diesel(sql_type = BigInt)]
            missed: i64,
            #[diesel(sql_type = BigInt)]
            lost: i64,
            #[diesel(sql_type = BigInt)]
            twice: i64,
        }
        // A second for the ticks that are due now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let query = "\
            WITH own AS (SELECT * FROM sides.ticks WHERE schedule LIKE 'bench\\_%'),
            spans AS (SELECT count(*) AS fired, 1 + extract(epoch FROM max(due_at) - min(due_at))::bigint AS due
                FROM own GROUP BY schedule),
            jobs AS (SELECT id FROM sides.fang_tasks UNION ALL SELECT id FROM sides.job_history)
            SELECT (SELECT sum(fired)::bigint FROM spans) AS fired, (SELECT sum(due - fired)::bigint FROM spans) AS missed,
                (SELECT count(*) FROM own WHERE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = own.job_id)) AS lost,
                (SELECT count(*) - count(DISTINCT job_id) FROM own) AS twice";
        let mut connection = database::connect(&self.url).await?;
        let counts: Counts = diesel::sql_query(query).get_result(&mut connection).await?;
        println!(
            "{} ticks fired, {} missed, {} twice; of their jobs {} lost",
            counts.fired, counts.missed, counts.twice, counts.lost
        );
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
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

/// web alone, stopped and started again, as by systemd: with its socket held meanwhile, or bound by itself.
async fn restarts(bed: &Bed, arguments: &Arguments, held: bool) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let listener = held.then(|| Arc::new(listener));
    let start = || -> anyhow::Result<tokio::process::Child> {
        use std::os::fd::AsRawFd as _;
        let mut command = tokio::process::Command::new(bed.programs.join("web"));
        environment(command.as_std_mut(), &bed.url);
        command.env("PORT", address.port().to_string()).env("OPS_PORT", "0");
        command
            .current_dir(bed.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(listener) = &listener {
            command.env("LISTEN_FD", listener.as_raw_fd().to_string());
        }
        bind_to_supervisor(&mut command, listener.clone());
        Ok(command.spawn()?)
    };
    let mut web = start()?;
    until_answers(address).await?;
    let prober = Prober::start(&plan(address, arguments));
    for _ in 0..arguments.releases {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Group::led_by(&web).context("web runs")?.terminate();
        web.wait().await?;
        web = start()?;
        until_answers(address).await?;
    }
    let what = if held { "restarts of web, its socket held" } else { "plain restarts of web" };
    tell(&format!("{} {what}", arguments.releases), &prober.end().await);
    Ok(())
}

async fn until_answers(address: SocketAddr) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let asked = client.get(format!("http://{address}/")).timeout(Duration::from_secs(5)).send().await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("web does not answer on {address}")
}

fn plan(address: SocketAddr, arguments: &Arguments) -> Plan {
    let kept = arguments.clients / 2;
    let fresh = arguments.clients - kept;
    Plan { address, path: "/".to_owned(), fresh, kept, pause: Duration::ZERO }
}

fn start_host(folder: &Path, url: &DatabaseUrl) -> anyhow::Result<Child> {
    let out = fs::OpenOptions::new().append(true).create(true).open(folder.join("host.out"))?;
    let mut command = sides(folder, url);
    command.args(["host", "--port", "0", "--detached"]).stdout(out.try_clone()?).stderr(out);
    Ok(command.spawn()?)
}

fn sides(folder: &Path, url: &DatabaseUrl) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sides"));
    environment(&mut command, url);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn environment(command: &mut Command, url: &DatabaseUrl) {
    command.env("DATABASE_URL", url.expose()).env("ADMIN_TOKEN", "a-token-for-the-bench-alone");
    command
        .env("ALLOW_PRIVATE_ADDRESSES", "true")
        .env_remove("SIDES_ROOT")
        .env_remove("HOST")
        .env_remove("PORT");
}

fn tell(what: &str, seen: &Seen) {
    let slowest = seen.slowest.as_millis();
    println!("{what:<44} {:>9} {:>7} {slowest:>7} ms", seen.good + seen.failed(), seen.failed());
    for (reason, count) in &seen.failures {
        println!("  {count} × {reason}");
    }
    // A long run is watched.
    drop(std::io::stdout().flush());
}
