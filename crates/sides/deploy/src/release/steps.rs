//! The steps of a plan, one after the other, and the way back when one does not go well.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use database::DatabaseUrl;

use super::{
    build::Migrate,
    eyes::Eyes,
    journal::Journal,
    ledger::{OUTAGES, patiently},
    limits::Limits,
    plan::{Plan, Roll, Step},
    receipt::{Done, Verdict},
    rehearsal::Rehearsal,
    watching::Watching,
};
use crate::places::Places;
use crate::progress::Progress;
use workspace::{
    Workspace,
    control::DevStatus,
    releases::{Seen, Set, StepId, Store},
};

/// How long jobs that a departed release left behind may take.
const JOBS_LIMIT: Duration = Duration::from_secs(120);

/// How far a release has come, for the way back.
pub(super) struct Way<'p> {
    /// What was replaced, and would be put back.
    pub(super) rolled: Vec<&'p Roll>,
    /// What a canary stands beside, and would be ended.
    pub(super) canary: Option<&'p Roll>,
    /// Whether the schema may have narrowed: there is no way back.
    pub(super) narrowed: bool,
    /// Whether a final step failed before it changed anything.
    pub(super) held_up: bool,
    /// Whether nothing that follows needs the old instances to be gone.
    pub(super) may_linger: bool,
}

impl<'p> Way<'p> {
    /// At its beginning, with what a release that was cut off has replaced.
    pub(super) fn behind(already: &'p [Roll]) -> Self {
        let rolled = already.iter().collect();
        Self { rolled, canary: None, narrowed: false, held_up: false, may_linger: false }
    }
}

/// What carrying out a plan needs.
pub(super) struct Run<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) places: &'a Places,
    pub(super) progress: &'a dyn Progress,
    pub(super) store: &'a Store,
    pub(super) url: &'a DatabaseUrl,
    pub(super) migrate: Option<&'a Migrate>,
    /// The process that visitors reach: what they see of a release is measured there. None where there is none.
    pub(super) web: Option<String>,
    /// What runs when it begins.
    pub(super) running: Set,
    /// What is put back when it does not go well.
    pub(super) back_to: Set,
    /// What a release that was cut off had replaced: it is watched, and put back, with the rest.
    pub(super) already: Vec<Roll>,
    /// Steps that were taken before anything of the plan.
    pub(super) before: Vec<Done>,
    /// How releases of this application are watched.
    pub(super) limits: Limits,
    /// The most memory that an instance of each process took when it began, in bytes, as far as that is known.
    pub(super) memory_before: BTreeMap<String, u64>,
    /// How a new web is compared with the old one before it serves; none where that would only take time.
    pub(super) compared: Option<&'a Watching>,
    /// What a rehearsal says of its stage.
    pub(super) rehearsal: Option<Rehearsal>,
}

/// How much memory the largest instance of each process takes, in bytes.
pub(super) fn memory_of(status: Option<&DevStatus>) -> BTreeMap<String, u64> {
    let mut most = BTreeMap::new();
    for process in status.into_iter().flat_map(|status| &status.processes) {
        let known: &mut u64 = most.entry(process.name.clone()).or_default();
        *known = (*known).max(process.memory.unwrap_or(0));
    }
    most
}

impl Run<'_> {
    /// Whether this is the process that visitors reach.
    pub(super) fn is_web(&self, process: &str) -> bool {
        self.web.as_deref() == Some(process)
    }

    /// Takes one step of the plan.
    pub(super) async fn take<'p>(
        &self,
        step: &'p Step,
        journal: &mut Journal<'_>,
        eyes: &mut Eyes,
        way: &mut Way<'p>,
    ) -> anyhow::Result<()> {
        let taken = async |journal: &mut Journal<'_>| {
            let mut outages = OUTAGES;
            while let Err(error) = self.try_to_take(step, journal, eyes, way).await {
                if outages == 0 || !journal.ledger.has_been_away().await {
                    return Err(error);
                }
                outages -= 1;
                let sat_out = self.sit_out(eyes, journal, "the step was taken again").await;
                sat_out.with_context(|| format!("{error:#}"))?;
                if !self.is_open(step).await? {
                    break;
                }
            }
            Ok(())
        };
        journal.step(step.id(), step.to_string(), step.done(), taken).await
    }

    async fn try_to_take<'p>(
        &self,
        step: &'p Step,
        journal: &mut Journal<'_>,
        eyes: &mut Eyes,
        way: &mut Way<'p>,
    ) -> anyhow::Result<()> {
        match step {
            Step::Migrate { name, .. } => {
                eyes.compare_from_now();
                self.migrate(name).await
            }
            Step::Await { jobs } => journal.ledger.wait_until_none_is_left(jobs, JOBS_LIMIT).await,
            Step::Canary(canary) => {
                // From here on there may be one to end.
                way.canary = Some(&canary.roll);
                self.try_canary(canary, journal, eyes).await
            }
            Step::Roll(roll) => {
                let was_tried = way.canary.is_some_and(|canary| canary.process == roll.process);
                let is_web = self.is_web(&roll.process);
                if is_web && roll.from.is_some() && !was_tried {
                    self.compare(roll, journal).await?;
                }
                if is_web {
                    eyes.web_is_touched(&roll.to);
                }
                let taken = self.roll(&roll.process, &roll.to).await;
                // From here on there is something to put back, even when the old instance does not leave.
                if taken.is_touched && !way.rolled.contains(&roll) {
                    way.rolled.push(roll);
                }
                taken.done?;
                if was_tried {
                    // It is one of the new instances now.
                    way.canary = None;
                }
                if is_web && !self.places.place_of(&roll.process).abilities(&roll.process).gap.is_zero() {
                    journal.notes.extend(eyes.pass_over());
                }
                match &roll.from {
                    Some(from) => self.see_gone(&roll.process, from, journal, way.may_linger).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// Whether a step that was broken off has still to be taken: the database may have gone away behind its end.
    async fn is_open(&self, step: &Step) -> anyhow::Result<bool> {
        let (Step::Migrate { name, .. }, Some(migrate)) = (step, self.migrate) else { return Ok(true) };
        Ok(migrate.pending(self.url).await?.iter().any(|one| one.name == *name))
    }

    /// Watches the new builds: before the schema narrows, and behind the `last` step.
    pub(super) async fn watch(
        &self,
        last: bool,
        journal: &mut Journal<'_>,
        eyes: &mut Eyes,
        rolled: &[&Roll],
        watching: &Watching,
    ) -> anyhow::Result<()> {
        let seconds = watching.bake;
        let watched = async |journal: &mut Journal<'_>| self.bake(eyes, rolled, journal, seconds).await;
        let (what, done) = (format!("watch for {seconds} s"), format!("watched for {seconds} s"));
        journal.step(StepId::Watch { last }, what, done, watched).await
    }

    /// Whether a migration that failed has changed nothing yet. When nobody can say, it may have.
    pub(super) async fn is_pending(&self, step: &Step) -> bool {
        let (Step::Migrate { name, .. }, Some(migrate)) = (step, self.migrate) else { return false };
        migrate.pending(self.url).await.is_ok_and(|pending| pending.iter().any(|one| one.name == *name))
    }

    /// Puts back what was replaced, last first. A process that had never been released stays.
    pub(super) async fn go_back(
        &self,
        rolled: &[&Roll],
        journal: &mut Journal<'_>,
        reason: String,
        blamed: Option<&str>,
    ) -> (Verdict, Option<String>) {
        for step in rolled.iter().rev() {
            let Some(from) = self.back_to.get(&step.process) else { continue };
            let what = format!("put {} back", step.process);
            let id = StepId::PutBack { process: step.process.clone() };
            let is_to_blame = blamed == Some(step.process.as_str());
            let back = async |journal: &mut Journal<'_>| {
                let put = async || self.put_back(&step.process, from, is_to_blame).await;
                patiently(&mut journal.ledger, self.progress, put).await
            };
            if let Err(error) = journal.step_back(id, what, back).await {
                return (Verdict::Partial, Some(format!("{reason}; then {error:#}")));
            }
        }
        (Verdict::Undone, Some(reason))
    }

    /// What the next command must know.
    pub(super) fn conclude(
        &self,
        outcome: Verdict,
        held_up: bool,
        plan: &Plan,
        number: u64,
    ) -> anyhow::Result<()> {
        match outcome {
            Verdict::Released => self.store.judge(number, Seen::Good)?,
            Verdict::Undone => self.store.judge(number, Seen::Undone)?,
            // Nothing is wrong with the builds, and nobody has seen the end.
            Verdict::Partial if held_up => {}
            Verdict::Partial => self.store.judge(number, Seen::Failed)?,
        }
        if outcome == Verdict::Released {
            let mut running = self.back_to.clone();
            let rolls = self.already.iter().chain(plan.rolls());
            running.extend(rolls.map(|roll| (roll.process.clone(), roll.to.clone())));
            for step in plan.rolls() {
                self.store.prune(&step.process, &[&self.back_to, &running]);
            }
        }
        if outcome != Verdict::Partial {
            self.store.set_interrupted(None)?;
        }
        Ok(())
    }
}
