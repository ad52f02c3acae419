//! Runs one drill on a stage: releases a bad build there, and compares what happens with the row.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use platform::{
    local::bind_to_supervisor,
    prober::{self, Prober},
};
use tokio::{process::Command, time};

use super::{
    Options,
    list::{Drill, Ends, Mischief},
    mischief,
    report::Report,
};
use crate::{rehearse::stage::Stage, release::Receipt};
use workspace::{
    Outcome, control,
    releases::{self, Digest, Record, Set},
};

const BETWEEN: Duration = Duration::from_millis(100);
/// How long everything may take to answer in the expected builds behind a drill.
const SERVES_LIMIT: Duration = Duration::from_secs(60);
/// So long nobody failed when web answers well again.
const WELL: Duration = Duration::from_secs(1);
/// How long a release on the stage may take beyond its watch.
const RELEASE_LIMIT: Duration = Duration::from_secs(420);
/// Clients that open a connection for each request, and as many that keep theirs.
const CLIENTS: usize = 2;
const PAUSE: Duration = Duration::from_millis(20);

/// A drill, and who plays it in this application.
#[derive(Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) drill: &'a Drill,
    /// The process whose new build is bad.
    pub(super) process: &'a str,
    /// The process that visitors reach, where there is one.
    pub(super) web: Option<&'a str>,
    /// The good builds.
    pub(super) good: &'a Set,
}

/// Carries a drill out.
pub(super) async fn play(stage: &mut Stage, cast: &Cast<'_>, options: &Options) -> anyhow::Result<Report> {
    let Cast { drill, process, web, good } = *cast;
    let begun = Instant::now();
    let when = stage.workspace().root().join(format!("{}.when", drill.name));
    let bad = bad_build(stage, cast, &when)?;
    let mut report = Report::skipped(drill);
    scale(stage, process, drill.instances).await?;
    let clients = clients(stage, web, options).await?;
    let (ended, receipt) = release(stage, drill, &bad, &when, options, &mut report).await?;
    report.ended = ended;
    let mut expected = good.clone();
    if drill.ends == Ends::Released {
        expected.insert(process.to_owned(), bad.clone());
    }
    serves(stage, &expected, &mut report).await?;
    if let Some(clients) = &clients
        && !answers_well(clients).await
    {
        report.faults.push(format!("web did not answer correctly within {} s", SERVES_LIMIT.as_secs()));
    }
    if drill.ends == Ends::Released {
        report.seconds_until_good = None;
        let (code, _) = ran(stage, "rollback", &["rollback", "--bake", "0", "--json"], options).await?;
        match code {
            Some(0) => report.ended += ", then rolled back",
            code => report.faults.push(format!("the rollback after it ended with {}", told(code))),
        }
        serves(stage, good, &mut report).await?;
    }
    let seen = match clients {
        Some(clients) => Some(clients.end().await),
        None => None,
    };
    if drill.instances > 1 {
        scale(stage, process, 1).await?;
        let replaced = receipt.iter().flat_map(|receipt| &receipt.steps);
        if replaced.into_iter().any(|step| matches!(step.id, Some(releases::StepId::Replace { .. }))) {
            report.faults.push("more than the canary was replaced".to_owned());
        }
    }
    report.measured(drill.may_fail, seen.as_ref(), receipt);
    report.passed = report.faults.is_empty();
    report.seconds = begun.elapsed().as_secs_f64();
    Ok(report)
}

/// Releases the bad build, and does beside it what the row says.
async fn release(
    stage: &mut Stage,
    drill: &Drill,
    bad: &Digest,
    when: &Path,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<(String, Option<Receipt>)> {
    let bake = options.bake.to_string();
    let slower = options.slower.to_string();
    let arguments = ["release", "--build", bad.as_str(), "--bake", &bake, "--slower", &slower, "--json"];
    let (mut command, said) = command(stage, drill.name, &arguments, options)?;
    let mut child = command.spawn().context("cannot start the release")?;
    let (begun, mut is_wrong, mut there) = (Instant::now(), false, None::<(Instant, Instant)>);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = time::sleep(BETWEEN) => {}
        }
        if status(stage).await.runs(bad.as_str()) {
            let now = Instant::now();
            there = Some((there.map_or(now, |(first, _)| first), now));
        }
        if !is_wrong && is_watched(stage).await? {
            is_wrong = true;
            fs::write(when, "").with_context(|| format!("cannot write {}", when.display()))?;
            match drill.mischief {
                // A stage has no place but its host.
                Mischief::None | Mischief::PlaceAway | Mischief::PlaceFails => {}
                Mischief::PostgresAway => {
                    mischief::postgres_away(&stage.workspace().postgres_folder()).await?;
                }
                Mischief::HostKilled => stage.kill_host().await?,
                Mischief::HostAway => mischief::host_away(stage.host_pid()?).await,
                Mischief::DiskFull => stage.fill_disk()?,
                Mischief::CommandKilled => child.start_kill()?,
            }
        }
        if begun.elapsed() > RELEASE_LIMIT + Duration::from_secs(options.bake) {
            report.faults.push("the release did not end in time".to_owned());
            child.start_kill()?;
        }
    };
    report.seconds_until_good = there.map(|(first, last)| (last - first).as_secs_f64());
    if drill.mischief != Mischief::None && !is_wrong {
        report.faults.push("the new build was never watched, so the drill could not interfere".to_owned());
    }
    let (wanted, code, said) = match drill.ends {
        Ends::Undone => (Outcome::Undone, status.code(), said),
        Ends::Released => (Outcome::Done, status.code(), said),
        Ends::RolledBack => {
            stage.empty_disk()?;
            let name = format!("{}-rollback", drill.name);
            let (code, said) = ran(stage, &name, &["rollback", "--bake", "1", "--json"], options).await?;
            if let Some((first, _)) = there {
                report.seconds_until_good = Some(first.elapsed().as_secs_f64());
            }
            (Outcome::Done, code, said)
        }
    };
    if code != Some(wanted as i32) {
        let last = fs::read_to_string(said.with_extension("err")).unwrap_or_default();
        let last: Vec<&str> = last.lines().rev().take(6).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        report.faults.push(format!(
            "ended with {} instead of {}; its output: {}",
            told(code),
            wanted as i32,
            last.join(" | ")
        ));
    }
    let text = fs::read_to_string(&said).unwrap_or_default();
    let receipt: Option<Receipt> = serde_json::from_str(&text).ok();
    if receipt.is_none() {
        report.faults.push("there is no receipt".to_owned());
    }
    let ended = match (drill.ends, &receipt) {
        (Ends::RolledBack, Some(_)) => "rolled back".to_owned(),
        (_, Some(receipt)) => receipt.outcome.name().to_owned(),
        (_, None) => told(code),
    };
    Ok((ended, receipt))
}

/// A build of the drill's process that stands in for the good one.
fn bad_build(stage: &Stage, cast: &Cast<'_>, when: &Path) -> anyhow::Result<Digest> {
    let Cast { drill, process, good, .. } = *cast;
    let store = stage.store();
    let digest = good.get(process).with_context(|| format!("there is no {process}"))?;
    let program = store.program(process, digest)?;
    let words = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
    let own = env::current_exe().context("cannot find this program's own file")?;
    let script = format!(
        "#!/bin/sh\n# drill {}\nexec {} stand-in --fault {} --when {} --program {} -- \"$@\"\n",
        drill.name,
        words(&own),
        drill.fault,
        words(when),
        words(&program)
    );
    let file = stage.workspace().root().join("stand-in");
    fs::write(&file, script)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    let (name, arguments) = match store.record(process, digest) {
        Some(record) => (record.program, record.arguments),
        None => (process.to_owned(), Vec::new()),
    };
    let built_at = chrono::Utc::now();
    let record = Record { program: name, arguments, commit: None, dirty: false, built_at, inputs: None };
    store.keep(process, &record, &file)
}

/// Clients of web, as strict as those of a release, and none of them its own.
async fn clients(stage: &Stage, web: Option<&str>, options: &Options) -> anyhow::Result<Option<Prober>> {
    let Some(status) = control::status(stage.workspace()).await? else { return Ok(None) };
    let address = status.address.as_deref().and_then(|address| address.strip_prefix("http://")?.parse().ok());
    let has_web = status.processes.iter().any(|process| Some(process.name.as_str()) == web);
    let plan = address.filter(|_| has_web).map(|address| prober::Plan {
        address,
        path: options.probe.clone(),
        fresh: CLIENTS,
        kept: CLIENTS,
        pause: PAUSE,
    });
    Ok(plan.map(|plan| Prober::start(&plan)))
}

/// What the stage's host says; nothing while there is none.
async fn status(stage: &Stage) -> control::DevStatus {
    control::status(stage.workspace()).await.ok().flatten().unwrap_or_default()
}

/// Sets the number of instances of a process.
async fn scale(stage: &Stage, process: &str, count: u32) -> anyhow::Result<()> {
    if stage.store().counts()?.get(process).copied().unwrap_or(1) == count {
        return Ok(());
    }
    let mut command = stage.command()?;
    command.args(["scale", process, &count.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    bind_to_supervisor(&mut command, None);
    let status = command.status().await.context("cannot start a command on the stage")?;
    anyhow::ensure!(status.success(), "{process} cannot have {count} instances on the stage");
    Ok(())
}

/// Whether the release watches its new builds, or a canary of them that serves.
async fn is_watched(stage: &Stage) -> anyhow::Result<bool> {
    let Some(release) = stage.store().interrupted()? else { return Ok(false) };
    Ok(release.is_watched(&status(stage).await.canaries))
}

/// Waits until exactly these builds run and answer.
async fn serves(stage: &Stage, expected: &Set, report: &mut Report) -> anyhow::Result<()> {
    let deadline = Instant::now() + SERVES_LIMIT;
    loop {
        // A host that was killed is on its way.
        if let Some(status) = control::status(stage.workspace()).await.ok().flatten() {
            let is_expected = |process: &platform::local::ProcessStatus| {
                let wanted = expected.get(&process.name).map(Digest::as_str);
                wanted.is_none() || process.release.as_deref() == wanted
            };
            if status.all_answer() && status.processes.iter().all(is_expected) {
                return Ok(());
            }
        }
        if Instant::now() > deadline {
            let text = format!(
                "the expected builds did not serve within {} s; the host's output: {}",
                SERVES_LIMIT.as_secs(),
                stage.said()
            );
            report.faults.push(text);
            return Ok(());
        }
        time::sleep(BETWEEN).await;
    }
}

async fn answers_well(clients: &Prober) -> bool {
    let (begun, mut well_since, mut good) = (Instant::now(), Instant::now(), 0);
    drop(clients.lap());
    while begun.elapsed() < SERVES_LIMIT {
        time::sleep(BETWEEN).await;
        let lap = clients.lap();
        if lap.failed() > 0 {
            (well_since, good) = (Instant::now(), 0);
        }
        good += lap.good;
        if well_since.elapsed() > WELL && good > 0 {
            return true;
        }
    }
    false
}

/// Runs a command on the stage to its end: its exit code, and the file with what it printed.
async fn ran(
    stage: &Stage,
    name: &str,
    arguments: &[&str],
    options: &Options,
) -> anyhow::Result<(Option<i32>, PathBuf)> {
    let (mut command, said) = command(stage, name, arguments, options)?;
    Ok((command.status().await.context("cannot start a command on the stage")?.code(), said))
}

/// A command of a release on the stage, and the file that it prints its receipt into; what it says beside is in `.err`.
fn command(
    stage: &Stage,
    name: &str,
    arguments: &[&str],
    options: &Options,
) -> anyhow::Result<(Command, PathBuf)> {
    let said = stage.workspace().root().join(format!("{name}.json"));
    let mut command = stage.command()?;
    command.args(arguments).args(["--probe", &options.probe]);
    command.stdout(Stdio::from(fs::File::create(&said)?));
    command.stderr(Stdio::from(fs::File::create(said.with_extension("err"))?));
    bind_to_supervisor(&mut command, None);
    Ok((command, said))
}

fn told(code: Option<i32>) -> String {
    code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"))
}
