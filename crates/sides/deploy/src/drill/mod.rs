//! `sides drill`: bad releases, carried out on a stage, to see that each of them ends well.
//!
//! The stage is that of a rehearsal: a private Postgres, and a host of its own that runs the good builds. Each row of the
//! [list] makes a bad build from a good one (`stand_in` runs in its place, `relay` stands between visitors and it), has
//! `sides release` release it (`play`), does something beside it (`mischief`), and holds what is seen to what the row says
//! must be seen (`report`).

mod disk;
pub mod fault;
pub mod list;
mod mischief;
mod play;
mod relay;
mod report;
mod row;
mod stand_in;

use anyhow::{Context as _, bail};
use manifest::Role;
use migrate::Migration;

use crate::{
    progress::Progress,
    rehearse::{jobs::Load, stage::Stage},
    release::build_release,
};
use list::{Drill, Mischief};
use play::Cast;
use workspace::{
    Stop, Workspace,
    releases::{Set, Store},
};

pub(crate) use disk::Disk;
pub use fault::Fault;
pub use report::Report;
pub use stand_in::{StandIn, stand_in};

/// How drills are carried out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Variables that the programs need: `NAME` as it is here, or `NAME=VALUE`.
    pub environment: Vec<String>,
    /// Whether jobs are made up and enqueued meanwhile.
    pub makes_jobs: bool,
    /// Seconds to watch the new builds.
    pub bake: u64,
    /// How many times as long as before web's answers may take.
    pub slower: f64,
    /// The path that is asked of web.
    pub probe: String,
}

/// What every stage is set with.
struct Script<'a> {
    workspace: &'a Workspace,
    store: &'a Store,
    options: &'a Options,
    good: Set,
    migrations: Vec<Migration>,
    /// Nothing but the good builds.
    prepared: crate::release::Prepared,
}

/// Carries these drills out, one after the other, and tells what came of each as soon as it is over.
///
/// # Errors
/// When the good builds cannot be built, a stage cannot be set, or it is interrupted.
pub async fn run(
    workspace: &Workspace,
    drills: &[&Drill],
    options: &Options,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Report>> {
    let stop = Stop::listen()?;
    let store = Store::open(workspace)?;
    let script = tokio::select! {
        script = Script::read(workspace, &store, options, progress) => script?,
        () = stop.asked() => bail!("interrupted; nothing was touched"),
    };
    let mut reports = Vec::new();
    // What ends well leaves the stage as it found it. A host that is killed must not take along what it runs.
    let (outlived, bound): (Vec<&Drill>, Vec<&Drill>) =
        drills.iter().partition(|drill| drill.mischief == Mischief::HostKilled);
    for (drills, is_bound) in [(bound, true), (outlived, false)] {
        let mut rest = drills.as_slice();
        while !rest.is_empty() {
            rest = script.on_one_stage(rest, is_bound, &stop, progress, &mut reports).await?;
        }
    }
    Ok(reports)
}

impl<'a> Script<'a> {
    async fn read(
        workspace: &'a Workspace,
        store: &'a Store,
        options: &'a Options,
        progress: &dyn Progress,
    ) -> anyhow::Result<Self> {
        let folder = workspace.root().join("migrations");
        let own = if folder.is_dir() { Migration::read_all(&folder) } else { Ok(Vec::new()) };
        let migrations = own.and_then(migrate::with_chassis).context("cannot read the migrations")?;
        let mut prepared = build_release(workspace, store, progress, &[]).await?;
        let good = std::mem::take(&mut prepared.set);
        // Who plays a drill is known by what its build says.
        for (process, digest) in &good {
            store.ask(process, digest).await?;
        }
        Ok(Self { workspace, store, options, good, migrations, prepared })
    }

    /// Plays on one stage until a drill does not end well; what is left needs another one.
    async fn on_one_stage<'d>(
        &self,
        drills: &'d [&'d Drill],
        is_bound: bool,
        stop: &Stop,
        progress: &dyn Progress,
        reports: &mut Vec<Report>,
    ) -> anyhow::Result<&'d [&'d Drill]> {
        if !drills.iter().any(|drill| self.process_of(drill).is_some()) {
            reports.extend(drills.iter().map(|drill| Report::skipped(drill)));
            return Ok(&[]);
        }
        progress.notice("setting up a stage: a private Postgres, and a host that runs the good builds");
        let environment = &self.options.environment;
        let mut stage =
            Stage::set(self.workspace, self.store, &self.good, &self.prepared, environment).await?;
        stage.is_bound = is_bound;
        let played = tokio::select! {
            played = self.play(&mut stage, drills, progress, reports) => played,
            () = stop.asked() => Err(anyhow::anyhow!("interrupted; nothing live was touched")),
        };
        stage.strike(stop).await;
        Ok(&drills[played?..])
    }

    /// The process whose build a drill replaces; none where this application has none of that role.
    fn process_of(&self, drill: &Drill) -> Option<&str> {
        self.store.in_role(&self.good, drill.role)
    }

    fn cast<'s>(&'s self, drill: &'s Drill, process: &'s str) -> Cast<'s> {
        Cast { drill, process, web: self.store.in_role(&self.good, Role::Listens), good: &self.good }
    }

    /// How many drills were played.
    async fn play(
        &self,
        stage: &mut Stage,
        drills: &[&Drill],
        progress: &dyn Progress,
        reports: &mut Vec<Report>,
    ) -> anyhow::Result<usize> {
        stage.start(&self.migrations).await?;
        stage.wait_until_it_runs(&self.good).await?;
        let manifests = stage.manifests().await;
        let _load = self.options.makes_jobs.then(|| Load::start(stage.url(), manifests));
        for (number, drill) in drills.iter().enumerate() {
            let Some(process) = self.process_of(drill) else {
                reports.push(Report::skipped(drill));
                continue;
            };
            if let Some(why) = impossible(drill, stage) {
                progress.notice(&format!("{}: not possible here: {why}", drill.name));
                reports.push(Report::not_possible(drill, why));
                continue;
            }
            progress.tell(crate::News::Begins(drill.what));
            let report = play::play(stage, &self.cast(drill, process), self.options).await?;
            progress.tell(crate::News::Ended);
            match report.passed {
                true => progress.done(
                    &format!("{}: {}", drill.name, report.ended),
                    std::time::Duration::from_secs_f64(report.seconds),
                ),
                false => progress.fault(&format!("{}: {}", drill.name, report.faults.join("; "))),
            }
            let passed = report.passed;
            reports.push(report);
            if !passed {
                return Ok(number + 1);
            }
        }
        Ok(drills.len())
    }
}

/// Why a drill cannot be carried out on this machine, if it cannot.
fn impossible(drill: &Drill, stage: &Stage) -> Option<String> {
    match drill.mischief {
        _ if drill.not_here().is_some() => drill.not_here().map(str::to_owned),
        Mischief::DiskFull => disk::impossible(&stage.workspace().releases_folder()),
        _ => None,
    }
}
