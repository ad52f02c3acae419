//! A release: what changed, in which order, and a receipt.
//!
//! Build every program on its own (`build`), ask the kept programs, the schema and the queue what they need
//! (`world`), have the planner find an order in which every state is compatible (`plan`), and carry it out (`steps`): schema
//! changes, and one process after the other is replaced by the host or by the place where it lives (`replace`), each with
//! the rights that its build declares (`rights`), all under the eyes of a strict prober (`measure`) and a
//! count of jobs, ticks and locks (`count`); each step is written down (`journal`). The new builds are watched (`bake`)
//! and held to what the old ones did (`judge`). What does not go well is undone. The end is a receipt, which is stored.

mod back;
mod bake;
mod build;
mod bundle;
mod chance;
mod count;
mod holder;
mod jobs;
mod journal;
mod judge;
mod ledger;
mod machine;
mod measure;
mod migrating;
mod order;
mod origin;
mod plan;
mod prepared;
mod receipt;
mod rehearsal;
mod remap;
mod replace;
mod rights;
mod steps;
mod underway;
mod unmanaged;
mod visitor;
mod watching;
mod world;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use database::DatabaseUrl;
use platform::procfile;
use tokio::time;

use crate::places::Places;
use crate::preflight::{self, Obstacle};
use crate::progress::{News, Progress};
use build::Built;
use ledger::{Ledger, OUTAGE_LIMIT, patiently};
use steps::Run;
use underway::Underway;
use workspace::{
    Workspace,
    control::{self, Client, DevStatus},
    named_database,
    releases::{Interrupted, Set, Store},
};

pub use back::{RollbackOptions, run as run_back};
pub(crate) use build::Pending;
pub(crate) use build::programs as build_programs;
pub use count::{Block, Jobs, Ticks};
pub(crate) use holder::{Holder, WAIT_OR_BREAK_OFF};
pub use order::Refused;
pub(crate) use order::find as find_order;
pub use plan::{Plan, Roll, Step};
pub(crate) use prepared::{Prepared, build as build_release};
pub use receipt::{Done, Receipt, Replaced, Requests, Verdict};
pub use rehearsal::{KnownBy, Rehearsal, Remote};
pub use watching::Watching;

/// What is released, and how that is watched.
#[derive(Debug, Clone)]
pub struct ReleaseOptions {
    /// Only these processes; none is all of them.
    pub only: Vec<String>,
    /// Show what would be done, without doing it.
    pub dry_run: bool,
    /// Builds that are kept already, instead of new ones: digests, or as much of each as no other begins with.
    pub builds: Vec<String>,
    /// A file with builds that are kept already, as a rehearsal writes it.
    pub prepared: Option<PathBuf>,
    /// How it is watched.
    pub watching: Watching,
}

/// How a release, or a rollback, ended.
#[derive(Debug)]
pub enum Ended {
    /// No host runs here, and something needs it.
    NoHost,
    /// What is wanted runs already.
    NothingToDo,
    /// It was only asked what would be done.
    Shown,
    /// There is no order in which it could go; nothing was changed.
    Refused,
    /// It cannot begin: nothing was built, and nothing was changed.
    Hindered(Vec<Obstacle>),
    /// It was carried out, well or not.
    CarriedOut {
        /// What was done and measured.
        receipt: Box<Receipt>,
        /// The receipt's number; none when the database could not store it.
        number: Option<i64>,
        /// Whether the next rollback leads back to what ran before.
        leads_back: bool,
    },
}

impl Ended {
    fn carried_out((receipt, number): (Receipt, Option<i64>), leads_back: bool) -> Self {
        Self::CarriedOut { receipt: Box::new(receipt), number, leads_back }
    }
}

/// What a host was told before may take so long: a few copies that are never ready.
const IDLE_LIMIT: Duration = Duration::from_secs(180);

/// Releases what has changed.
///
/// # Errors
/// When something that it needs cannot be asked or built: the host, a place, the database, a program.
pub async fn run(
    workspace: &Workspace,
    options: &ReleaseOptions,
    progress: &dyn Progress,
) -> anyhow::Result<Ended> {
    let begun = Begun::begin(workspace, &options.only, progress).await?;
    let Some(begun) = begun else { return Ok(Ended::NoHost) };
    let kept = kept_builds(&begun.store, &options.builds)?;
    let obstacles = preflight::look(workspace, Some(&begun.url));
    let obstacles = progress.during("look whether a release can begin", obstacles).await;
    if !obstacles.is_empty() {
        return Ok(Ended::Hindered(obstacles));
    }
    let before = begun.store.running()?;
    // Nobody is held up by a build: what it takes as given is looked at again behind it.
    let (built, rehearsal) = match &options.prepared {
        Some(file) => Prepared::read(file)?.opened(),
        None if !kept.is_empty() => (Built { set: kept, migrate: None }, None),
        None => (build::run(workspace, &begun.store, progress, &options.only).await?, None),
    };
    let Some((begun, ledger, _underway)) = begun.lock(workspace, OUTAGE_LIMIT).await? else {
        return Ok(Ended::NoHost);
    };
    let mut ledger = ledger;
    let Begun { status, places, store, url, .. } = begun;
    if store.running()? != before {
        let text = "what runs has changed while this was built: somebody else released or went back. Nothing was \
                    changed; look at `sides releases`, and release again (the builds are kept)";
        progress.fault(text);
        return Ok(Ended::Refused);
    }
    let running = places.running(&before).await?;
    let cut_off = store.interrupted()?;
    if let Some(cut_off) = &cut_off {
        progress.notice(&journal::cut_off(cut_off, &running));
    }
    let from = cut_off.map_or_else(|| running.clone(), |cut_off| cut_off.from);
    let pending = match &built.migrate {
        Some(migrate) => {
            let tried = patiently(&mut ledger, progress, async || migrate.pending(&url).await);
            progress.during("try the migrations", tried).await?
        }
        None => Vec::new(),
    };
    let order = patiently(&mut ledger, progress, async || {
        order::find(&places, &store, &url, &running, &built.set, &pending).await
    });
    let answer = progress.during("look for an order", order).await?;
    let Some(plan) = told(progress, answer) else { return Ok(Ended::Refused) };
    progress.text(&plan.to_string());
    // What was replaced by a release that was cut off has not been watched yet.
    let already = plan::replaced(&from, &running, &plan, &places);
    if plan.is_empty() && (options.dry_run || already.is_empty()) {
        if !options.dry_run {
            store.settle(&running)?;
        }
        return Ok(Ended::NothingToDo);
    }
    if options.dry_run {
        return Ok(Ended::Shown);
    }
    let mut to = running.clone();
    to.extend(built.set);
    let release = Interrupted::new(from.clone(), to);
    let migrate = built.migrate.as_ref();
    let run = Run {
        workspace,
        places: &places,
        progress,
        store: &store,
        url: &url,
        migrate,
        running: running.clone(),
        back_to: from,
        already,
        rehearsal,
    };
    let ended = run.carry_out(ledger, status.as_ref(), &plan, release, &options.watching).await?;
    Ok(Ended::carried_out(ended, true))
}

/// The kept builds that begin so, each of its process.
fn kept_builds(store: &Store, digests: &[String]) -> anyhow::Result<Set> {
    let mut set = Set::new();
    for digest in digests {
        let found = store.find_any(digest);
        let (process, digest) = match found.as_slice() {
            [one] => one.clone(),
            [] => anyhow::bail!(
                "no build that is kept here begins with {digest:?}; `sides releases` lists them"
            ),
            many => {
                let names: Vec<String> =
                    many.iter().map(|(process, digest)| format!("{process} {digest}")).collect();
                anyhow::bail!("several builds begin with {digest:?}: {}; give more of it", names.join(", "))
            }
        };
        if let Some(other) = set.insert(process.clone(), digest.clone()) {
            anyhow::bail!("{process} can run one build, not both {other} and {digest}");
        }
    }
    Ok(set)
}

/// The order, or nothing when there is none: then it is said why.
fn told(progress: &dyn Progress, answer: order::Answer) -> Option<Plan> {
    if let Some(silent) = answer.silent() {
        progress.notice(&silent);
    }
    answer.order.inspect_err(|refused| progress.tell(News::Refused(refused))).ok()
}

/// What every release begins with: the places and their database.
struct Begun<'a> {
    progress: &'a dyn Progress,
    /// None when everything that may be replaced runs elsewhere, and no host is here.
    status: Option<DevStatus>,
    places: Places,
    store: Store,
    url: DatabaseUrl,
    needs_host: bool,
}

impl<'a> Begun<'a> {
    /// `None` when no host runs, and one of the processes (of all when none is named) needs it.
    async fn begin(
        workspace: &Workspace,
        only: &[String],
        progress: &'a dyn Progress,
    ) -> anyhow::Result<Option<Self>> {
        let places = Places::read(workspace).await?;
        let needs_host = procfile::discover(workspace.root())?.iter().any(|procfile| {
            let is_asked_for = only.is_empty() || only.contains(&procfile.name);
            is_asked_for && places.is_local(&procfile.name)
        });
        if needs_host && host_status(workspace).await?.is_none() {
            return Ok(None);
        }
        let store = Store::open(workspace)?;
        let url = named_database()?.context("DATABASE_URL is not set: name the host's database there")?;
        Ok(Some(Self { progress, status: None, places, store, url, needs_host }))
    }

    /// Becomes the one release that goes on; a database that is away is waited for until `limit`. `None` when the host has
    /// gone meanwhile.
    async fn lock(
        mut self,
        workspace: &Workspace,
        limit: Duration,
    ) -> anyhow::Result<Option<(Self, Ledger, Underway)>> {
        let (progress, mut is_told) = (self.progress, false);
        let told = || {
            if !std::mem::replace(&mut is_told, true) {
                progress.notice(&ledger::waits());
            }
        };
        let ledger = Ledger::open(&self.url, limit, told).await?;
        let underway = Underway::begin(workspace)?;
        self.status = match self.needs_host {
            true => idle_host(workspace, self.progress).await?,
            false => control::status(workspace).await?.filter(|status| status.is_host),
        };
        let is_there = self.status.is_some() || !self.needs_host;
        Ok(is_there.then_some((self, ledger, underway)))
    }
}

/// What a release that was cut off told the host, it still does. What runs is known when that is over.
async fn idle_host(workspace: &Workspace, progress: &dyn Progress) -> anyhow::Result<Option<DevStatus>> {
    let (mut said, deadline) = (false, Instant::now() + IDLE_LIMIT);
    loop {
        let Some(status) = host_status(workspace).await? else { return Ok(None) };
        let Some(busy_with) = &status.busy_with else { return Ok(Some(status)) };
        anyhow::ensure!(
            Instant::now() < deadline,
            "the host is still busy after {} s: it was told to {busy_with}; `sides ps` shows how far it is",
            IDLE_LIMIT.as_secs()
        );
        if !std::mem::replace(&mut said, true) {
            progress.notice(&format!("waits for the host to {busy_with}"));
        }
        time::sleep(Duration::from_millis(50)).await;
    }
}

async fn host_status(workspace: &Workspace) -> anyhow::Result<Option<DevStatus>> {
    let Some(client) = Client::connect(&workspace.run_folder()).await? else { return Ok(None) };
    let status = client.status().await?;
    anyhow::ensure!(
        status.is_host,
        "a dev runs here, which replaces its processes by itself; stop it with `sides stop` and start `sides host`"
    );
    Ok(Some(status))
}
