//! A release from the top: begun, built, locked, ordered, carried out, watched, judged, and written down.

use std::{ops::ControlFlow, path::PathBuf};

use manifest::Role;

use super::{
    Ended, ReleaseOptions,
    begun::Begun,
    build::{self, Built},
    count::Counter,
    eyes::Eyes,
    journal::{self, Journal},
    judge::Blame,
    ledger::{Ledger, OUTAGE_LIMIT, patiently},
    left::Leaving,
    limits::Limits,
    measure, order,
    plan::{self, Plan},
    prepared::{HandedOver, Prepared},
    receipt::{Receipt, Requests, Verdict},
    rehearsal::Rehearsal,
    report::Report,
    steps::{Run, Way, memory_of},
    watching::Watching,
};
use crate::{
    preflight,
    progress::{News, Progress},
};
use workspace::{
    Workspace,
    control::DevStatus,
    releases::{Interrupted, Set, Store},
};

/// A release that is built, and does not have the lock yet.
pub(super) struct Ready<'a> {
    begun: Begun<'a>,
    /// What ran when it was looked, before the build.
    pub(super) before: Set,
    pub(super) built: Built,
    rehearsal: Option<Rehearsal>,
    /// Where its output goes, if it was detached.
    log: Option<PathBuf>,
}

/// Releases what has changed.
///
/// # Errors
/// When something that it needs cannot be asked or built: the host, a place, the database, a program.
pub async fn run(
    workspace: &Workspace,
    options: &ReleaseOptions,
    progress: &dyn Progress,
) -> anyhow::Result<Ended> {
    let mut ready = match prepare(workspace, options, progress).await? {
        ControlFlow::Continue(ready) => ready,
        ControlFlow::Break(ended) => return Ok(ended),
    };
    let mut report = Report::new(&ready.begun.store, &options.watching, ready.log.take())?;
    let ended = release(workspace, options, ready, progress, &mut report).await;
    said(report, &ended, progress);
    ended
}

/// The last word for others. What did not reach the disk is in the receipt.
pub(super) fn said(report: Report, ended: &anyhow::Result<Ended>, progress: &dyn Progress) {
    if let Err(error) = report.ends(ended) {
        progress.notice(&format!("`sides release status` will not know how this ended: {error:#}"));
    }
}

/// Looks, and builds. What can be known before a build is said before it.
pub(super) async fn prepare<'a>(
    workspace: &Workspace,
    options: &ReleaseOptions,
    progress: &'a dyn Progress,
) -> anyhow::Result<ControlFlow<Ended, Ready<'a>>> {
    let mut prepared = options.prepared.as_deref().map(Prepared::read).transpose()?;
    let handed_over = prepared.as_mut().and_then(|prepared| prepared.handed_over.take());
    let only = handed_over.as_ref().map_or(&options.only, |handed_over| &handed_over.only);
    // What it says is wrong is said before a build.
    Limits::read(workspace)?;
    let begun = Begun::begin(workspace, only, progress).await?;
    let Some(begun) = begun else { return Ok(ControlFlow::Break(Ended::NoHost)) };
    let kept = kept_builds(&begun.store, &options.builds)?;
    let prepared = match (prepared, handed_over) {
        // Whoever built it has looked.
        (Some(prepared), Some(HandedOver { before, log, .. })) => {
            let (built, rehearsal) = prepared.opened();
            return Ok(ControlFlow::Continue(Ready { begun, before, built, rehearsal, log: Some(log) }));
        }
        (prepared, _) => prepared,
    };
    let obstacles = preflight::look(workspace, Some(&begun.url));
    let obstacles = progress.during("check whether the release can start", obstacles).await;
    if !obstacles.is_empty() {
        return Ok(ControlFlow::Break(Ended::Hindered(obstacles)));
    }

    // Nobody is held up by a build: what it takes as given is looked at again behind it.
    let before = begun.store.running()?;
    let (built, rehearsal) = match prepared {
        Some(prepared) => prepared.opened(),
        None if !kept.is_empty() => (Built { set: kept, migrate: None }, None),
        None => (build::run(workspace, &begun.store, progress, &options.only).await?, None),
    };
    Ok(ControlFlow::Continue(Ready { begun, before, built, rehearsal, log: None }))
}

/// Takes the lock, finds an order, and carries it out.
async fn release(
    workspace: &Workspace,
    options: &ReleaseOptions,
    ready: Ready<'_>,
    progress: &dyn Progress,
    report: &mut Report,
) -> anyhow::Result<Ended> {
    let Ready { begun, before, built, rehearsal, .. } = ready;
    let limits = Limits::read(workspace)?;
    let locked = begun.lock(workspace, OUTAGE_LIMIT).await?;
    let Some((begun, mut ledger, _underway)) = locked else { return Ok(Ended::NoHost) };
    let Begun { status, places, store, url, .. } = begun;
    report.plans()?;
    if store.running()? != before {
        progress.fault(OVERTAKEN);
        return Ok(Ended::Refused);
    }

    // From what runs, which a release that was cut off may have left half done, to what was built.
    let running = places.running(&before).await?;
    let interrupted = store.interrupted()?;
    if let Some(interrupted) = &interrupted {
        progress.notice(&journal::interruption(interrupted, &running, status.as_ref()));
    }
    let from = interrupted.map_or_else(|| running.clone(), |interrupted| interrupted.from);
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
    let answer = progress.during("find an order", order).await?;
    let Some(plan) = told(progress, answer) else { return Ok(Ended::Refused) };
    let plan = match options.watching.bake {
        0 => plan,
        _ => plan.with_canaries(&limits, &store.counts()?, &places),
    };
    progress.text(&plan.to_string());
    let web = store.in_role(&running, Role::Listens);
    let leaving = Leaving {
        places: &places,
        web,
        url: &url,
        status: status.as_ref(),
        probe: &options.watching.probe,
        progress,
    };
    let left = if options.dry_run { None } else { leaving.end(Some(&plan)).await? };

    // What was replaced by a release that was cut off has not been watched yet.
    let already = plan::replaced(&from, &running, &plan, &places);
    match (plan.is_empty(), options.dry_run) {
        (true, true) => return Ok(Ended::NothingToDo),
        (true, false) if already.is_empty() => {
            store.settle(&running)?;
            return Ok(Ended::with(left, &mut ledger, progress).await);
        }
        (false, true) => return Ok(Ended::Shown),
        (_, false) => {}
    }
    let mut to = running.clone();
    to.extend(built.set);
    let web = store.in_role(&to, Role::Listens).map(str::to_owned);
    let release = Interrupted::new(from.clone(), to);
    let run = Run {
        workspace,
        places: &places,
        progress,
        store: &store,
        url: &url,
        migrate: built.migrate.as_ref(),
        web,
        running,
        back_to: from,
        already,
        before: left.map(|left| left.steps()).unwrap_or_default(),
        limits,
        memory_before: memory_of(status.as_ref()),
        compared: (options.watching.bake > 0).then_some(&options.watching),
        rehearsal,
    };
    let ended = run.carry_out(ledger, status.as_ref(), &plan, release, &options.watching, report).await?;
    Ok(Ended::carried_out(ended, true))
}

const OVERTAKEN: &str = "the running builds changed while this was built: somebody else released or rolled back. Nothing \
     was changed; see `sides releases`, and release again (the builds are kept)";

/// The kept builds that begin so, each of its process.
fn kept_builds(store: &Store, digests: &[String]) -> anyhow::Result<Set> {
    let mut set = Set::new();
    for digest in digests {
        let found = store.find_any(digest);
        let (process, digest) = match found.as_slice() {
            [one] => one.clone(),
            [] => anyhow::bail!("no build kept here starts with {digest:?}; `sides releases` lists them"),
            many => {
                let names: Vec<String> =
                    many.iter().map(|(process, digest)| format!("{process} {digest}")).collect();
                anyhow::bail!("several builds start with {digest:?}: {}; give more digits", names.join(", "))
            }
        };
        if let Some(other) = set.insert(process.clone(), digest.clone()) {
            anyhow::bail!("{process} can run one build, not both {other} and {digest}");
        }
    }
    Ok(set)
}

/// The order, or nothing when there is none: then it is said why.
pub(super) fn told(progress: &dyn Progress, answer: order::Answer) -> Option<Plan> {
    if let Some(silent) = answer.silent() {
        progress.notice(&silent);
    }
    answer.order.inspect_err(|refused| progress.tell(News::Refused(refused))).ok()
}

impl Run<'_> {
    /// Carries the plan out under the eyes of the prober, and stores how it went.
    pub(super) async fn carry_out(
        &self,
        mut ledger: Ledger,
        status: Option<&DevStatus>,
        plan: &Plan,
        release: Interrupted,
        watching: &Watching,
        report: &mut Report,
    ) -> anyhow::Result<(Receipt, Option<i64>)> {
        // Whoever counts and watches begins before anything is touched.
        let counter = patiently(&mut ledger, self.progress, async || Counter::begin(self.url).await).await?;
        let web = self.web.as_deref();
        let prober = match web {
            Some(web) => measure::start(self.places, status, web, &watching.probe).await,
            None => None,
        };
        let mut eyes = Eyes::open(web, prober, watching).await;
        if eyes.see_failures() && ledger.answers().await {
            self.store.doubt(&self.running)?;
        }

        let mut journal = Journal::open(self.progress, self.store, ledger, release, plan, report).await?;
        journal.comes_behind(self.before.clone());
        let mut way = Way::behind(&self.already);
        let taken = self.take_all(plan, &mut way, &mut journal, &mut eyes, watching).await;
        let (mut outcome, mut reason) = self.judge(taken, &mut way, &mut journal).await;

        let (requests, requests_before) = eyes.close().await;
        // A receipt is written whatever a full disk keeps from being known here.
        if let Err(error) = self.conclude(outcome, way.held_up, plan, journal.number()) {
            if outcome == Verdict::Released {
                outcome = Verdict::Partial;
            }
            let before = reason.map(|reason| format!("{reason}; then ")).unwrap_or_default();
            reason = Some(format!("{before}{error:#}"));
        }
        // What was counted is not lost by a database that is away at this very moment; the receipt says it if it is.
        journal.ledger.wait_until_back(OUTAGE_LIMIT).await.ok();
        let counts = counter.end().await;
        let receipt = Receipt {
            outcome,
            reason,
            requests: requests.as_ref().map(Requests::from),
            requests_before: requests_before.as_ref().map(Requests::from),
            jobs: counts.jobs,
            ticks: counts.ticks,
            longest_block: counts.block,
            rehearsal: self.rehearsal.clone(),
            ..journal.receipt()
        };
        let recorded = journal.ledger.record(&receipt, OUTAGE_LIMIT).await;
        let recorded = recorded.inspect_err(|error| self.progress.notice(&format!("{error:#}"))).ok();
        Ok((receipt, recorded))
    }

    /// Step by step, and a watch behind the last one.
    async fn take_all<'p>(
        &self,
        plan: &'p Plan,
        way: &mut Way<'p>,
        journal: &mut Journal<'_>,
        eyes: &mut Eyes,
        watching: &Watching,
    ) -> anyhow::Result<()> {
        for (number, step) in plan.steps.iter().enumerate() {
            way.may_linger = !plan.steps.iter().skip(number + 1).any(|step| plan.needs_the_old_gone(step));
            if plan.needs_the_old_gone(step) {
                self.see_none_linger(step).await?;
            }
            // The last moment at which going back costs nothing.
            if step.is_final() && !way.narrowed {
                self.watch(false, journal, eyes, &way.rolled, watching).await?;
            }
            let taken = self.take(step, journal, eyes, way).await;
            if step.is_final() {
                way.held_up = taken.is_err() && self.is_pending(step).await;
                way.narrowed |= !way.held_up;
            }
            taken?;
        }
        self.watch(true, journal, eyes, &way.rolled, watching).await
    }

    /// How it ended, and why; what does not go well is undone, where there is a way back.
    async fn judge(
        &self,
        taken: anyhow::Result<()>,
        way: &mut Way<'_>,
        journal: &mut Journal<'_>,
    ) -> (Verdict, Option<String>) {
        let Err(error) = taken else {
            self.narrow(&way.rolled).await;
            return (Verdict::Released, None);
        };
        let reason = format!("{error:#}");
        if let Err(worse) = self.end_canary(way, journal).await {
            return (Verdict::Partial, Some(format!("{reason}; then {worse:#}")));
        }
        // Nothing is wrong with the new builds: what was in the way, like somebody's lock, passes.
        if way.held_up && (way.narrowed || !way.rolled.is_empty()) {
            let next = "what was done stays, and `sides release` takes this step up again";
            return (Verdict::Partial, Some(format!("{reason}; {next}")));
        }
        if way.narrowed {
            let reason = format!("{reason}; there is no way back: the schema has narrowed");
            return (Verdict::Partial, Some(reason));
        }
        self.progress.fault(&format!("{reason}; going back"));
        let blamed = error.downcast_ref::<Blame>().map(|blame| blame.process.as_str());
        self.go_back(&way.rolled, journal, reason, blamed).await
    }
}
