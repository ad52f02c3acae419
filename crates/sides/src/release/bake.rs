//! The watch over new builds: by requests, by the jobs they work, by their lives.

use std::time::{Duration, Instant};

use platform::{
    local::{LocalHost, State},
    place::{InstanceState, Place as _},
    prober::{Prober, Seen},
};
use tokio::time;

use super::{
    judge::{self, Judge},
    ledger::Ledger,
    plan::Roll,
    steps::Run,
};
use crate::{cli::Watching, control::Client};

/// How long the replaced processes may take to answer, all of them, at the end.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long web is watched before it is touched, to know what it was like.
const BEFORE: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(100);
/// The queue and the host are asked less often.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// The prober, and what it saw before web was touched.
pub(super) struct Eyes {
    prober: Option<Prober>,
    before: Option<Seen>,
    slower: Option<f64>,
    judge: Option<Judge>,
}

impl Eyes {
    /// Without a prober they see nothing. A release that is not watched needs no comparison.
    pub(super) async fn open(prober: Option<Prober>, watching: &Watching) -> Self {
        if prober.is_some() && watching.bake > 0 {
            time::sleep(BEFORE).await;
        }
        let slower = (watching.slower > 0.0).then_some(watching.slower);
        Self { prober, before: None, slower, judge: None }
    }

    /// From now on web may be a new one.
    pub(super) fn web_is_touched(&mut self) {
        if let (Some(prober), None) = (&self.prober, &self.judge) {
            let before = prober.lap();
            self.judge = Some(Judge::new(before.clone(), self.slower));
            self.before = Some(before);
        }
    }

    /// A reason to go back.
    fn look(&mut self) -> Option<String> {
        self.web_is_touched();
        let (prober, judge) = (self.prober.as_ref()?, self.judge.as_mut()?);
        judge.see(&prober.lap())
    }

    /// All that was seen, and what of it before web was touched.
    pub(super) async fn close(self) -> (Option<Seen>, Option<Seen>) {
        match self.prober {
            Some(prober) => (Some(prober.end().await), self.before),
            None => (None, None),
        }
    }
}

impl Run<'_> {
    /// Watches for a while, and then asks whether the expected builds answer.
    pub(super) async fn bake(
        &self,
        eyes: &mut Eyes,
        rolled: &[&Roll],
        ledger: &mut Ledger,
        seconds: u64,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut asked_at = None;
        loop {
            if let Some(reason) = eyes.look() {
                anyhow::bail!(reason);
            }
            if asked_at.is_none_or(|at: Instant| at.elapsed() > ASKED_EVERY) {
                asked_at = Some(Instant::now());
                for roll in rolled {
                    if let Some(reason) = self.worse(roll, ledger).await {
                        anyhow::bail!(reason);
                    }
                }
            }
            if begun.elapsed() >= Duration::from_secs(seconds) {
                break;
            }
            time::sleep(BETWEEN).await;
        }
        let deadline = Instant::now() + ANSWER_LIMIT;
        loop {
            match self.missing(rolled).await {
                None => return Ok(()),
                Some(missing) if Instant::now() > deadline => anyhow::bail!(missing),
                Some(_) => time::sleep(BETWEEN).await,
            }
        }
    }

    /// Why a new release is worse than the old one, as far as it can be seen now.
    async fn worse(&self, roll: &Roll, ledger: &mut Ledger) -> Option<String> {
        let name = &roll.process;
        let host = LocalHost::of(&self.workspace.run_folder());
        for copy in host.instances(name).await.ok()?.iter().filter(|copy| copy.release == roll.to.as_str()) {
            let has_died = copy.details.get("restarts").is_some_and(|restarts| restarts != "0");
            if has_died || copy.state == InstanceState::Crashed {
                let why = copy.reason.as_deref().map(|reason| format!(": {reason}"));
                return Some(format!("{} died after it had been ready{}", copy.id, why.unwrap_or_default()));
            }
        }
        let old = match &roll.from {
            Some(from) => ledger.attempts_of(from).await.ok()?,
            None => judge::Attempts::default(),
        };
        judge::blame(name, old, ledger.attempts_of(&roll.to).await.ok()?)
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
                // A process of which nobody wants a copy has none to answer.
                () if status.counts.get(name) == Some(&0) => None,
                () if !status.processes.iter().any(answers) => Some(format!("{name} does not answer")),
                () => None,
            }
        })
    }
}
