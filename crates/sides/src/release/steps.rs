//! The steps of a plan, one after the other, and the way back when one does not go well.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use database::DatabaseUrl;
use platform::{
    local::{LocalHost, State},
    place::{Place as _, Why},
    prober::Prober,
};
use tokio::time;

use super::{
    build::Migrate,
    ledger::Ledger,
    measure,
    plan::{Plan, Roll, Step},
    receipt::{Done, Receipt, Verdict},
};
use crate::{
    cli::Watching,
    control::{Client, DevStatus},
    display::{Screen, tell},
    releases::{Digest, Set, Store},
    workspace::Workspace,
};

/// How long the replaced processes may take to answer, all of them, at the end.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long an old copy may take to leave: its own drain, which the host ends in the end, and some more.
const GONE_LIMIT: Duration = Duration::from_secs(180);
/// How long jobs that a departed release left behind may take.
const JOBS_LIMIT: Duration = Duration::from_secs(120);

/// What carrying out a plan needs.
pub(super) struct Run<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) screen: &'a Screen,
    pub(super) store: &'a Store,
    pub(super) url: &'a DatabaseUrl,
    pub(super) migrate: Option<&'a Migrate>,
}

impl Run<'_> {
    /// Carries the plan out under the eyes of the prober. `from` is the set to come back to later.
    pub(super) async fn carry_out(
        &self,
        mut ledger: Ledger,
        status: &DevStatus,
        plan: &Plan,
        from: &Set,
        watching: &Watching,
    ) -> anyhow::Result<Receipt> {
        let begun = Instant::now();
        let mut steps = Vec::new();
        let prober = measure::start(status, &watching.probe);
        ledger.begin().await?;
        let mut rolled = Vec::new();
        let mut narrowed = false;
        let done = async {
            let mut is_baked = false;
            for step in &plan.steps {
                // The last moment at which going back costs nothing.
                if step.is_final() && !is_baked {
                    self.bake(prober.as_ref(), &rolled, watching).await?;
                    is_baked = true;
                }
                let taken = self.take(step, &mut ledger, &mut rolled, &mut steps).await;
                narrowed |= step.is_final() && (taken.is_ok() || !self.is_pending(step).await);
                taken.map_err(|error| format!("{error:#}"))?;
            }
            self.bake(prober.as_ref(), &rolled, watching).await
        };
        let done = done.await;
        let (outcome, reason) = match done {
            Ok(()) => {
                self.narrow(&rolled).await;
                (Verdict::Released, None)
            }
            Err(reason) if narrowed => {
                (Verdict::Partial, Some(format!("{reason}; there is no way back: the schema has narrowed")))
            }
            Err(reason) => {
                self.screen.line(&tell::fault(self.screen.palette, &format!("{reason}; going back")));
                self.go_back(&rolled, &mut steps, reason).await
            }
        };
        let requests = match prober {
            Some(prober) => Some(prober.end().await),
            None => None,
        };
        self.conclude(outcome, plan, from)?;
        let (jobs, ticks) = (ledger.jobs().await.ok(), ledger.ticks().await.ok());
        let seconds = begun.elapsed().as_secs_f64();
        let receipt = Receipt { outcome, reason, steps, seconds, requests, jobs, ticks };
        if let Err(error) = ledger.record(&receipt).await {
            self.screen.line(&tell::notice(self.screen.palette, &format!("{error:#}")));
        }
        Ok(receipt)
    }

    async fn take<'p>(
        &self,
        step: &'p Step,
        ledger: &mut Ledger,
        rolled: &mut Vec<&'p Roll>,
        steps: &mut Vec<Done>,
    ) -> anyhow::Result<()> {
        match step {
            Step::Migrate { name, .. } => {
                let migrate = self.migrate.context("the workspace has no program that migrates")?;
                self.timed(steps, format!("migrated {name}"), migrate.apply(self.url, name)).await
            }
            Step::Await { jobs } => {
                self.timed(steps, step.to_string(), ledger.wait_until_none_is_left(jobs, JOBS_LIMIT)).await
            }
            Step::Roll(roll) => {
                let replaced = async {
                    self.roll(&roll.process, &roll.to).await?;
                    // From here on there is something to put back, even when the old copy does not leave.
                    rolled.push(roll);
                    match &roll.from {
                        Some(from) => self.see_gone(&roll.process, from, ledger).await,
                        None => Ok(()),
                    }
                };
                self.timed(steps, format!("replaced {}", roll.process), replaced).await
            }
        }
    }

    /// Whether a migration that failed has changed nothing yet. When nobody can say, it may have.
    async fn is_pending(&self, step: &Step) -> bool {
        let (Step::Migrate { name, .. }, Some(migrate)) = (step, self.migrate) else { return false };
        migrate.pending(self.url).await.is_ok_and(|pending| pending.iter().any(|one| one.name == *name))
    }

    /// Waits until no copy of the old release runs: what comes next in the plan counts on it.
    async fn see_gone(&self, process: &str, old: &Digest, ledger: &mut Ledger) -> anyhow::Result<()> {
        let deadline = Instant::now() + GONE_LIMIT;
        loop {
            let status = match Client::connect(&self.workspace.run_folder()).await? {
                Some(client) => client.status().await?,
                None => anyhow::bail!("the host has gone"),
            };
            let leaves =
                status.processes.iter().any(|copy| copy.name == process && copy.state == State::Draining);
            if !leaves && !ledger.is_live(process, old).await? {
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{process} {old} still runs after {} s: `sides ps` shows it",
                GONE_LIMIT.as_secs()
            );
            time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn roll(&self, process: &str, digest: &Digest) -> anyhow::Result<()> {
        self.widen(process, digest).await?;
        let host = LocalHost::of(&self.workspace.run_folder());
        let why = Why { asked_by: "release".to_owned(), reason: format!("release {digest}") };
        host.put(process, digest.as_str(), &why).await.with_context(|| format!("{process} was not replaced"))
    }

    /// Watches for a while, and then asks whether the expected builds answer.
    async fn bake(
        &self,
        prober: Option<&Prober>,
        rolled: &[&Roll],
        watching: &Watching,
    ) -> Result<(), String> {
        let until = Instant::now() + Duration::from_secs(watching.bake);
        loop {
            if let Some(seen) = prober.map(Prober::seen)
                && seen.failed() > 0
            {
                let why: Vec<&str> = seen.failures.keys().map(String::as_str).collect();
                let all = seen.failed() + seen.good;
                return Err(format!("{} of {all} requests failed: {}", seen.failed(), why.join(", ")));
            }
            if Instant::now() >= until {
                break;
            }
            time::sleep(Duration::from_millis(100)).await;
        }
        let deadline = Instant::now() + ANSWER_LIMIT;
        loop {
            match self.missing(rolled).await {
                None => return Ok(()),
                Some(missing) if Instant::now() > deadline => return Err(missing),
                Some(_) => time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Which of the replaced processes does not answer in its expected release.
    async fn missing(&self, rolled: &[&Roll]) -> Option<String> {
        let status = match Client::connect(&self.workspace.run_folder()).await {
            Ok(Some(client)) => client.status().await.ok(),
            _ => None,
        };
        let Some(status) = status else { return Some("the host does not answer".to_owned()) };
        rolled.iter().find_map(|step| {
            let name = &step.process;
            let is_expected = status.releases.get(name).is_some_and(|digest| digest == step.to.as_str());
            let answers = |process: &platform::local::ProcessStatus| {
                process.name == *name && process.state == State::Ready
            };
            match () {
                () if !is_expected => Some(format!("{name} does not run {}", step.to)),
                () if !status.processes.iter().any(answers) => Some(format!("{name} does not answer")),
                () => None,
            }
        })
    }

    /// Puts back what was replaced, last first. A process that had never been released stays.
    async fn go_back(
        &self,
        rolled: &[&Roll],
        steps: &mut Vec<Done>,
        reason: String,
    ) -> (Verdict, Option<String>) {
        for step in rolled.iter().rev() {
            let Some(from) = &step.from else { continue };
            let what = format!("put {} back", step.process);
            if let Err(error) = self.timed(steps, what, self.roll(&step.process, from)).await {
                return (Verdict::Partial, Some(format!("{reason}; then {error:#}")));
            }
        }
        (Verdict::Undone, Some(reason))
    }

    /// What the next command must know.
    fn conclude(&self, outcome: Verdict, plan: &Plan, from: &Set) -> anyhow::Result<()> {
        if outcome == Verdict::Released {
            self.store.set_before(from)?;
            let running = self.store.running()?;
            for step in plan.rolls() {
                self.store.prune(&step.process, &[from, &running]);
            }
        }
        if outcome != Verdict::Partial {
            self.store.set_interrupted(None)?;
        }
        Ok(())
    }

    async fn timed(
        &self,
        steps: &mut Vec<Done>,
        what: String,
        step: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        step.await?;
        self.screen.line(&tell::done(self.screen.palette, &what, begun.elapsed()));
        steps.push(Done { what, seconds: begun.elapsed().as_secs_f64() });
        Ok(())
    }
}
