//! Good and bad releases in turn, each by `sides release`: of every ten, three are drills. Strict clients of two makings
//! ask web all the while.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use deploy::{
    drill::{
        fault::Fault,
        list::{DRILLS, Drill, Ends, Mischief},
    },
    release::Receipt,
};
use platform::prober::{Plan, Prober};
use workspace::{
    Workspace,
    releases::{Digest, Set, Store},
};

use crate::{
    Arguments, PATIENCE, PROCESSES,
    bed::{Bed, plan, sides, start_host},
    builds::Builds,
    tally::Tally,
    tell,
    wrk::Wrk,
};

const BETWEEN: Duration = Duration::from_millis(50);
/// Between two requests of one client: they are to see what happens, not to be the load.
const PAUSE: Duration = Duration::from_millis(10);
/// For how long new builds are watched, in seconds.
const BAKE: &str = "8";
/// A leak has to grow by more than anybody's caches before it is one.
const BAKE_OF_LEAK: &str = "16";
/// For how long a canary serves first, where there is more than one instance, in seconds.
const CANARY: u32 = 4;
/// Those that may have several instances.
const SCALED: [&str; 2] = ["web", "worker"];
/// Builds that stay in the store, of each process.
const KEPT: usize = 8;

/// The row of the table for one kind of release.
#[derive(Debug, Default)]
struct Row {
    releases: u32,
    /// Ended otherwise than it must.
    wrong: Vec<String>,
    /// From the first to the last moment at which an instance of the build was there; the longest.
    there: Duration,
    /// Requests of the release's own clients, of which so many failed.
    requests: u64,
    failed: u64,
    jobs_lost: i64,
    ticks_missed: u64,
}

struct Mixed<'a> {
    bed: &'a mut Bed,
    builds: Builds,
    workspace: Workspace,
    good: Set,
}

pub(crate) async fn run(bed: &mut Bed, arguments: &Arguments) -> anyhow::Result<()> {
    let workspace = Workspace::find(Some(bed.folder.path()))?;
    let builds = Builds::new(Store::open(&workspace)?, bed.folder.path(), &bed.programs);
    let mut mixed = Mixed { bed, builds, workspace, good: Set::new() };
    for process in PROCESSES {
        let digest = mixed.builds.good(process)?;
        let mut row = Row::default();
        mixed.release("the first of each", process, &digest, None, &mut row).await?;
        ensure!(row.wrong.is_empty(), "{}", row.wrong.join("\n"));
    }
    if arguments.instances > 1 {
        mixed.scale(arguments.instances).await?;
    }
    let address = mixed.bed.place.status().await?.address.context("web has no address")?;
    let asked = plan(address.trim_start_matches("http://").parse()?, arguments);
    let prober = Prober::start(&Plan { pause: PAUSE, ..asked });
    let wrk = Wrk::start(&address, &arguments.path, arguments.clients)?;
    let begun = Instant::now();
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    // Nobody may stop the Postgres of others.
    let mut drills = DRILLS.iter().filter(|drill| is_possible(drill)).cycle();
    let (mut tally, mut processes) = (Tally::default(), PROCESSES.iter().cycle());
    while tally.releases < arguments.releases && begun.elapsed() < Duration::from_secs(arguments.seconds) {
        let is_bad = tally.releases % 10 % 3 == 2;
        let drill = if is_bad { drills.next() } else { None };
        let process = match drill {
            Some(drill) => mixed.process_of(drill)?,
            None => (*processes.next().context("there are no processes")?).to_owned(),
        };
        let process = process.as_str();
        let row = rows.entry(drill.map_or("good", |drill| drill.name)).or_default();
        let before = row.wrong.len();
        mixed.round(process, drill, row).await?;
        tally.releases += 1;
        let what = drill.map_or_else(|| format!("a good {process}"), |drill| drill.name.to_owned());
        let said = row.wrong.get(before..).filter(|new| !new.is_empty());
        println!(
            "  {:>3} {what}: {}",
            tally.releases,
            said.map_or("as it must".to_owned(), |said| said.join("; "))
        );
        mixed.bed.prune(KEPT)?;
    }
    mixed.bed.until_alone().await?;
    let (seen, took) = (prober.end().await, begun.elapsed());
    println!(
        "{:<24} {:>8} {:>6} {:>8} {:>9} {:>7} {:>5} {:>6}",
        "", "releases", "wrong", "there", "requests", "failed", "lost", "missed"
    );
    for (name, row) in &rows {
        let Row { releases, wrong, there, requests, failed, jobs_lost, ticks_missed } = row;
        println!(
            "{name:<24} {releases:>8} {:>6} {:>6.1} s {requests:>9} {failed:>7} {jobs_lost:>5} {ticks_missed:>6}",
            wrong.len(),
            there.as_secs_f64()
        );
    }
    tell(&format!("{} releases in {:.0} s", tally.releases, took.as_secs_f64()), &seen);
    if let Some(wrk) = wrk {
        println!("{}", wrk.end()?);
    }
    tally.see(&seen);
    tally.count(&mixed.bed.url).await?;
    println!("{tally}");
    Ok(())
}

fn is_possible(drill: &Drill) -> bool {
    matches!(drill.mischief, Mischief::None | Mischief::HostKilled | Mischief::CommandKilled)
}

impl Mixed<'_> {
    /// Several instances of those that may have them: each release of theirs has a canary.
    async fn scale(&mut self, instances: usize) -> anyhow::Result<()> {
        let folder = self.bed.folder.path().join("deploy");
        fs::create_dir_all(&folder)?;
        let of = |process| format!("[processes.{process}]\ncanary = {CANARY}\n");
        fs::write(folder.join("release.toml"), SCALED.map(of).concat())?;
        for process in SCALED {
            let mut command = sides(self.bed.folder.path(), &self.bed.url);
            let scaled = command.args(["scale", process, &instances.to_string()]).output()?;
            ensure!(scaled.status.success(), "{}", String::from_utf8_lossy(&scaled.stderr));
        }
        self.bed.instances += SCALED.len() * (instances - 1);
        ensure!(self.good_builds_serve().await?, "the instances do not come up");
        Ok(())
    }

    /// One release, to its end: what it must leave behind serves.
    async fn round(&mut self, process: &str, drill: Option<&Drill>, row: &mut Row) -> anyhow::Result<()> {
        let good = self.builds.good(process)?;
        let (what, build) = match drill {
            Some(drill) => (drill.name, self.builds.bad(process, drill, &good)?),
            None => ("good", good),
        };
        self.release(what, process, &build, drill, row).await
    }

    async fn release(
        &mut self,
        what: &str,
        process: &str,
        build: &Digest,
        drill: Option<&Drill>,
        row: &mut Row,
    ) -> anyhow::Result<()> {
        row.releases += 1;
        let ends = drill.map_or(Ends::Released, |drill| drill.ends);
        let bake = if drill.is_some_and(|drill| drill.fault == Fault::Leaks) { BAKE_OF_LEAK } else { BAKE };
        let (mut child, mut said) = self.command(&["release", "--build", build.as_str(), "--bake", bake])?;
        let (mut is_wrong, mut there, begun) = (false, None::<(Instant, Instant)>, Instant::now());
        let mut code = loop {
            if let Some(status) = child.try_wait()? {
                break status.code();
            }
            tokio::time::sleep(BETWEEN).await;
            if self.bed.place.status().await.is_ok_and(|status| status.runs(build.as_str())) {
                let now = Instant::now();
                there = Some((there.map_or(now, |(first, _)| first), now));
            }
            if let Some(drill) = drill
                && !is_wrong
                && self.is_watched().await?
            {
                is_wrong = true;
                fs::write(self.builds.moment(drill), "")?;
                match drill.mischief {
                    Mischief::CommandKilled => child.kill()?,
                    Mischief::HostKilled => {
                        self.bed.host.kill()?;
                        self.bed.host.wait()?;
                        self.bed.host = start_host(self.bed.folder.path(), &self.bed.url)?;
                    }
                    _ => {}
                }
            }
            if begun.elapsed() > 3 * PATIENCE {
                child.kill()?;
            }
        };
        if ends == Ends::RolledBack {
            let (mut rollback, printed) = self.command(&["rollback", "--bake", "1"])?;
            code = tokio::task::spawn_blocking(move || rollback.wait()).await??.code();
            said = printed;
        }
        let wanted = if ends == Ends::Undone { workspace::Outcome::Undone } else { workspace::Outcome::Done };
        if code != Some(wanted as i32) {
            let last = fs::read_to_string(said.with_extension("err")).unwrap_or_default();
            let last = last.lines().rev().take(8).collect::<Vec<_>>();
            let last = last.into_iter().rev().collect::<Vec<_>>().join(" | ");
            row.wrong.push(format!("{what}: exit code {code:?} instead of {}: {last}", wanted as i32));
        }
        // A bad one that was let through, too: what comes next is not to be blamed for it.
        if code == Some(0) && ends != Ends::RolledBack {
            self.good.insert(process.to_owned(), build.clone());
        }
        if !self.good_builds_serve().await? {
            row.wrong.push(format!("{what}: the builds that must serve do not"));
        }
        if ends != Ends::Released {
            row.there = row.there.max(there.map_or(Duration::ZERO, |(first, last)| last - first));
        }
        match serde_json::from_str::<Receipt>(&fs::read_to_string(&said)?) {
            Ok(receipt) => row.add(&receipt),
            Err(_) => row.wrong.push(format!("{what}: there is no receipt")),
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<(Child, PathBuf)> {
        let said = self.bed.folder.path().join("said.json");
        let mut command = sides(self.bed.folder.path(), &self.bed.url);
        command.arg("--root").arg(self.workspace.root()).args(arguments).arg("--json");
        command.stdout(Stdio::from(fs::File::create(&said)?));
        command.stderr(Stdio::from(fs::File::create(said.with_extension("err"))?));
        Ok((command.spawn()?, said))
    }

    /// The process whose build a drill replaces.
    fn process_of(&self, drill: &Drill) -> anyhow::Result<String> {
        let found = self.builds.store.in_role(&self.good, drill.role);
        Ok(found.with_context(|| format!("no process for {}", drill.name))?.to_owned())
    }

    /// Whether the release watches its new build, or a canary that serves.
    async fn is_watched(&self) -> anyhow::Result<bool> {
        let Some(release) = self.builds.store.interrupted()? else { return Ok(false) };
        let status = self.bed.place.status().await.unwrap_or_default();
        Ok(release.is_watched(&status.canaries))
    }

    async fn good_builds_serve(&self) -> anyhow::Result<bool> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Ok(status) = self.bed.place.status().await
                && status.all_answer()
                && status.processes.len() >= self.bed.instances
                && self.good.iter().all(|(process, build)| {
                    let mut of_it = status.processes.iter().filter(|one| one.name == *process).peekable();
                    of_it.peek().is_some() && of_it.all(|one| one.release.as_deref() == Some(build.as_str()))
                })
            {
                return Ok(true);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(false)
    }
}

impl Row {
    fn add(&mut self, receipt: &Receipt) {
        if let Some(requests) = &receipt.requests {
            self.requests += requests.good + requests.failed;
            self.failed += requests.failed;
        }
        match &receipt.jobs {
            Some(jobs) => self.jobs_lost += jobs.lost,
            None => self.wrong.push("the receipt knows nothing of jobs".to_owned()),
        }
        match &receipt.ticks {
            Some(ticks) => self.ticks_missed += ticks.missed,
            None => self.wrong.push("the receipt knows nothing of ticks".to_owned()),
        }
    }
}
