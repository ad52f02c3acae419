//! A canary: where a process has more than one instance, one of the new build serves beside the others for a while before
//! they are replaced. A bad one is ended, and the others were never touched.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use platform::{
    place::{InstanceState, PlaceError, Why},
    prober::Seen,
};
use tokio::time;

use super::{
    eyes::Eyes,
    journal::Journal,
    judge::{self, Blame},
    ledger::patiently,
    limits::Limits,
    plan::{Canary, Plan, Roll, Step},
    steps::{Run, Way},
};
use crate::places::Places;
use workspace::releases::StepId;

/// How long it may take to answer at the end, as a host that was killed goes on with it.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_millis(50);

impl Plan {
    /// With a canary before each process that is replaced and has more than one of `counts` instances, where its place can
    /// have one and the limits say so.
    pub(crate) fn with_canaries(
        mut self,
        limits: &Limits,
        counts: &BTreeMap<String, u32>,
        places: &Places,
    ) -> Self {
        let canary_of = |step: &Step| {
            let Step::Roll(roll) = step else { return None };
            let (instances, seconds) =
                (counts.get(&roll.process).copied().unwrap_or(1), limits.canary(&roll.process));
            let is_wanted = roll.from.is_some() && instances > 1 && seconds > 0;
            let can_be = is_wanted && places.is_local(&roll.process);
            can_be.then(|| Step::Canary(Canary { roll: roll.clone(), instances, seconds }))
        };
        self.steps =
            self.steps.into_iter().flat_map(|step| canary_of(&step).into_iter().chain([step])).collect();
        self
    }

    /// Whether this build of a process is to be a canary.
    pub(super) fn has_canary(&self, process: &str, release: &str) -> bool {
        self.steps.iter().any(|step| {
            matches!(step, Step::Canary(Canary { roll, .. }) if roll.process == process && roll.to.as_str() == release)
        })
    }
}

impl Run<'_> {
    /// Starts the canary, and watches it.
    pub(super) async fn try_canary(
        &self,
        Canary { roll, seconds, .. }: &Canary,
        journal: &mut Journal<'_>,
        eyes: &mut Eyes,
    ) -> anyhow::Result<()> {
        let Roll { process, to, .. } = roll;
        if self.is_web(process) {
            self.compare(roll, journal).await?;
            eyes.web_is_touched(to);
        }
        self.prepare(process, to).await?;
        let why = Why { asked_by: "release".to_owned(), reason: format!("canary of {to}") };
        match self.places.place_of(process).start_canary(process, to.as_str(), &why).await {
            Ok(()) => {}
            Err(error @ PlaceError::Refused { .. }) => {
                return Err(error).with_context(|| format!("{process} was not replaced"));
            }
            // An older host has never heard of it.
            Err(error) => {
                journal.notes.push(format!("{process} was replaced without a canary: {error}"));
                return Ok(());
            }
        }
        self.look_after(eyes, &[roll], journal, *seconds).await?;
        self.see_canary(roll).await?;
        let figures = match self.is_web(process) {
            true => eyes.seen_of_new().as_ref().map(requests),
            false => journal.ledger.attempts_of(to).await.ok().map(|attempts| jobs(&attempts)),
        };
        journal.notes.extend(figures.map(|figures| format!("the canary of {process} {figures}")));
        Ok(())
    }

    /// Waits until the canary answers: in the end it must be there.
    async fn see_canary(&self, Roll { process, to, .. }: &Roll) -> anyhow::Result<()> {
        let (place, deadline) = (self.places.place_of(process), Instant::now() + ANSWER_LIMIT);
        loop {
            let instances = place.instances(process).await.unwrap_or_default();
            let mut canaries = instances.iter().filter(|instance| instance.release == to.as_str());
            if canaries.any(|instance| instance.state == InstanceState::Healthy) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let reason = format!("the canary of {process} does not answer");
                return Err(Blame { process: process.clone(), reason }.into());
            }
            time::sleep(BETWEEN).await;
        }
    }

    /// Ends the canary of a release that does not go well. Everything else can wait.
    pub(super) async fn end_canary(
        &self,
        way: &mut Way<'_>,
        journal: &mut Journal<'_>,
    ) -> anyhow::Result<()> {
        let Some(Roll { process, to, .. }) = way.canary.take() else { return Ok(()) };
        let why = Why { asked_by: "release".to_owned(), reason: format!("canary of {to} ends") };
        let what = format!("end the canary of {process}");
        let ended = async |journal: &mut Journal<'_>| {
            let place = self.places.place_of(process);
            let end = async || Ok(place.end_canary(process, &why).await?);
            patiently(&mut journal.ledger, self.progress, end).await
        };
        let id = StepId::EndCanary { process: process.clone() };
        journal.step_back(id, what, ended).await
    }
}

fn requests(seen: &Seen) -> String {
    match seen.all() {
        0 => "met none of the prober's requests".to_owned(),
        all => format!("answered {all} of the prober's requests, {} of them badly", seen.failed()),
    }
}

fn jobs(attempts: &judge::ByKind) -> String {
    let all: u64 = attempts.values().map(|attempts| attempts.all).sum();
    let failed: u64 = attempts.values().map(|attempts| attempts.failed).sum();
    match all {
        0 => "ran no job".to_owned(),
        all => format!("ran {all} jobs, of which {failed} failed"),
    }
}
