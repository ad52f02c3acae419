//! The watch over new builds: their requests, their jobs, their ticks, their crashes, their memory.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use platform::{
    local::State,
    place::{Instance, InstanceState},
    prober::{Prober, Seen},
};
use tokio::time;

use super::{
    growth::Growth,
    journal::Journal,
    judge::{self, Blame, Judge, Lap},
    late::Ticking,
    ledger::{self, Ledger, OUTAGE_LIMIT},
    machine::Machine,
    measure::WEB,
    plan::Roll,
    steps::Run,
    watching::Watching,
};
use workspace::{control::Client, releases::Digest};

/// How long the replaced processes may take to answer, all of them, at the end.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The same where an instance may be on its way still when a release that was interrupted is continued.
const ANSWER_LIMIT_REMOTE: Duration = Duration::from_secs(120);
/// How long web is watched before it is touched, to know what it was like.
const BEFORE: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(100);
/// Fewer requests say nothing of what runs.
const LEAST_SEEN: u64 = 20;
/// How often a watch may begin again because the database was unavailable.
pub(super) const OUTAGES: u32 = 3;
/// The queue and the host are asked less often.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// So much longer than it was asked to does a watch go on while web looks slow.
const DOUBT_LIMIT: Duration = Duration::from_secs(30);

/// How long web may take to answer well again behind an outage of the database.
const RECOVERY_LIMIT: Duration = Duration::from_secs(30);
/// So long it has answered well when that is over.
const RECOVERED: Duration = Duration::from_secs(1);

/// The prober, and what it saw before web was touched.
pub(super) struct Eyes {
    prober: Option<Prober>,
    machine: Option<Machine>,
    before: Option<Seen>,
    slower: Option<f64>,
    judge: Option<Judge>,
    /// The new build of web, as its instances are told it; none while web is as it was.
    new_web: Option<String>,
    /// What that has answered, as far as it was looked at.
    of_new: Seen,
}

impl Eyes {
    /// Without a prober they see nothing. A release that is not watched needs no comparison.
    pub(super) async fn open(prober: Option<Prober>, watching: &Watching) -> Self {
        // Where the machine cannot be watched it counts as quiet.
        let machine = if prober.is_some() { Machine::watch().await.ok() } else { None };
        if prober.is_some() && watching.bake > 0 {
            time::sleep(BEFORE).await;
        }
        Self {
            prober,
            machine,
            before: None,
            slower: watching.since(),
            judge: None,
            new_web: None,
            of_new: Seen::default(),
        }
    }

    /// Whether most visitors are answered badly, as far as that was seen.
    pub(super) fn see_failures(&self) -> bool {
        let seen = self.prober.as_ref().map(Prober::seen).unwrap_or_default();
        seen.all() >= LEAST_SEEN && seen.failed() * 2 > seen.all()
    }

    /// From now on web may be a new one.
    pub(super) fn web_is_touched(&mut self, to: &Digest) {
        self.new_web = Some(to.to_string());
        self.compare_from_now();
    }

    /// What web did until now is what it is held to.
    pub(super) fn compare_from_now(&mut self) {
        if let (Some(prober), None) = (&self.prober, &self.judge) {
            let before = prober.lap();
            let machine = self.machine.as_ref().map(Machine::lap).unwrap_or_default();
            self.judge = Some(Judge::new(Lap { web: before.clone(), machine }, self.slower));
            self.before = Some(before);
        }
    }

    /// What failed while web was away, as its place has nobody answer meanwhile: it is counted and told, and no reason to go
    /// back.
    pub(super) fn pass_over(&self) -> Option<String> {
        let away = self.prober.as_ref()?.lap();
        let text = format!("{} of {} requests failed while web was away", away.failed(), away.all());
        (away.failed() > 0).then_some(text)
    }

    /// What the new web has answered while it was watched; none where nobody asks web.
    pub(super) fn seen_of_new(&self) -> Option<Seen> {
        self.prober.is_some().then(|| self.of_new.clone())
    }

    /// A reason to go back: what the new web answered. A web that is as it was is judged only where the schema under it
    /// has changed.
    fn look(&mut self) -> Option<Blame> {
        let (prober, judge) = (self.prober.as_ref()?, self.judge.as_mut()?);
        let web = match &self.new_web {
            Some(release) => {
                let lap = prober.lap_of(release);
                self.of_new.add(&lap);
                lap
            }
            None => prober.lap(),
        };
        let machine = self.machine.as_ref().map(Machine::lap).unwrap_or_default();
        let reason = judge.see(&Lap { web, machine })?;
        let process = if self.new_web.is_some() { WEB.to_owned() } else { String::new() };
        Some(Blame { process, reason })
    }

    /// Whether nothing that was seen last is still to be blamed or forgiven, for a watch that is over for so long.
    ///
    /// # Errors
    /// The blame, when that stays open.
    fn are_sure(&self, over_for: Duration) -> Result<bool, Blame> {
        let Some(judge) = self.judge.as_ref().filter(|judge| judge.suspects()) else { return Ok(true) };
        if over_for < DOUBT_LIMIT {
            return Ok(false);
        }
        let process = if self.new_web.is_some() { WEB.to_owned() } else { String::new() };
        judge.unsettled().map_or(Ok(true), |reason| Err(Blame { process, reason }))
    }

    /// Waits until web answers well again. How many requests failed until then is counted like all others, and held
    /// against nobody.
    async fn recover(&mut self) {
        let Some(prober) = &self.prober else { return };
        let (begun, mut well_since) = (Instant::now(), Instant::now());
        while begun.elapsed() < RECOVERY_LIMIT && well_since.elapsed() < RECOVERED {
            time::sleep(BETWEEN).await;
            if prober.lap().failed() > 0 {
                well_since = Instant::now();
            }
        }
        if let Some(judge) = &mut self.judge {
            judge.forget();
        }
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
    /// Watches for a while, and then asks whether the expected builds answer. A database that goes away meanwhile is waited
    /// for, as nobody can be judged without it, and the watch begins again.
    pub(super) async fn bake(
        &self,
        eyes: &mut Eyes,
        rolled: &[&Roll],
        journal: &mut Journal<'_>,
        seconds: u64,
    ) -> anyhow::Result<()> {
        self.look_after(eyes, rolled, journal, seconds).await?;
        let is_here = rolled.iter().all(|roll| self.places.is_local(&roll.process));
        let deadline = Instant::now() + if is_here { ANSWER_LIMIT } else { ANSWER_LIMIT_REMOTE };
        loop {
            match self.missing(rolled).await {
                None => return Ok(()),
                Some(missing) if Instant::now() > deadline => anyhow::bail!(missing),
                Some(_) => time::sleep(BETWEEN).await,
            }
        }
    }

    /// Watches so many seconds: what the new builds answer, whether they live, what becomes of their jobs.
    pub(super) async fn look_after(
        &self,
        eyes: &mut Eyes,
        new: &[&Roll],
        journal: &mut Journal<'_>,
        seconds: u64,
    ) -> anyhow::Result<()> {
        let (mut begun, mut outages) = (Instant::now(), OUTAGES);
        let (mut asked_at, mut known) = (None, Known::default());
        loop {
            let mut blame = eyes.look();
            if blame.is_none() && asked_at.is_none_or(|at: Instant| at.elapsed() > ASKED_EVERY) {
                asked_at = Some(Instant::now());
                for roll in new {
                    let worse = self.worse(roll, &mut journal.ledger, &mut known).await;
                    blame = blame.or(worse.map(|reason| Blame { process: roll.process.clone(), reason }));
                }
            }
            if let Some(blame) = blame {
                if outages == 0 || !journal.ledger.has_been_away().await {
                    return Err(blame.into());
                }
                outages -= 1;
                let sat_out = self.sit_out(eyes, journal, "the watch started again").await;
                sat_out.with_context(|| blame.reason.clone())?;
                (begun, asked_at) = (Instant::now(), None);
                known.ticking = Ticking::default();
                journal.watches_again();
                continue;
            }
            let over_for = begun.elapsed().checked_sub(Duration::from_secs(seconds));
            if let Some(over_for) = over_for
                && (seconds == 0 || eyes.are_sure(over_for)?)
            {
                return Ok(());
            }
            time::sleep(BETWEEN).await;
        }
    }

    /// Waits for a database that is away, and for those who need it.
    pub(super) async fn sit_out(
        &self,
        eyes: &mut Eyes,
        journal: &mut Journal<'_>,
        then: &str,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.progress.notice(&ledger::waits());
        journal.ledger.wait_until_back(OUTAGE_LIMIT).await?;
        eyes.recover().await;
        let seconds = begun.elapsed().as_secs_f64();
        journal.notes.push(format!(
            "the database was unavailable; after {seconds:.0} s everything answered again, and {then}"
        ));
        Ok(())
    }

    /// Why a new release is worse than the old one, as far as it can be seen now.
    async fn worse(&self, roll: &Roll, ledger: &mut Ledger, known: &mut Known) -> Option<String> {
        let name = &roll.process;
        let instances = self.places.place_of(name).instances(name).await.ok()?;
        for instance in instances.iter().filter(|instance| instance.release == roll.to.as_str()) {
            let has_died = instance.details.get("restarts").is_some_and(|restarts| restarts != "0");
            if has_died
                || known.lives.has_followed(name, instance)
                || instance.state == InstanceState::Crashed
            {
                let why = instance.reason.as_deref().map(|reason| format!(": {reason}"));
                return Some(format!("{} died after it was ready{}", instance.id, why.unwrap_or_default()));
            }
            let memory = instance.details.get("memory").and_then(|memory| memory.parse().ok());
            let old = self.memory_before.get(name).copied();
            let see = |memory| known.growth.see(&instance.id, memory, old, self.limits.growth(name));
            let grown = memory.and_then(see);
            if grown.is_some() {
                return grown;
            }
        }
        let is_alone = instances.iter().all(|instance| instance.release == roll.to.as_str());
        let old = match &roll.from {
            Some(from) => ledger.attempts_of(from).await.ok()?,
            None => judge::ByKind::new(),
        };
        let blame = judge::blame(name, &old, &ledger.attempts_of(&roll.to).await.ok()?);
        if blame.is_some() {
            return blame;
        }
        known.ticking.see(roll, is_alone, ledger).await
    }

    /// Which of the replaced processes does not answer in its expected release.
    async fn missing(&self, rolled: &[&Roll]) -> Option<String> {
        let (here, remote): (Vec<&Roll>, Vec<&Roll>) =
            rolled.iter().partition(|roll| self.places.is_local(&roll.process));
        for roll in remote {
            let instances = match self.places.place_of(&roll.process).instances(&roll.process).await {
                Ok(instances) => instances,
                Err(error) => return Some(error.to_string()),
            };
            if let Some(missing) = missing_there(roll, &instances) {
                return Some(missing);
            }
        }
        if here.is_empty() { None } else { self.missing_here(&here).await }
    }

    async fn missing_here(&self, rolled: &[&Roll]) -> Option<String> {
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
                () if !is_expected => Some(format!("{name} is not running {}", step.to)),
                // A process of which nobody wants an instance has none to answer.
                () if status.counts.get(name) == Some(&0) => None,
                () if !status.processes.iter().any(answers) => Some(format!("{name} does not answer")),
                () => None,
            }
        })
    }
}

fn missing_there(Roll { process, to, .. }: &Roll, instances: &[Instance]) -> Option<String> {
    let stays = |instance: &&Instance| instance.state != InstanceState::Draining;
    if instances.iter().filter(stays).any(|instance| instance.release != to.as_str()) {
        return Some(format!("{process} is not running {to}"));
    }
    let answers = instances.iter().any(|instance| instance.state == InstanceState::Healthy);
    (!answers).then(|| format!("{process} does not answer"))
}

/// What was seen of the new builds in one watch.
#[derive(Default)]
struct Known {
    lives: Lives,
    growth: Growth,
    ticking: Ticking,
}

/// Which instance is under which name of a place that gives a name again when it starts an instance again.
#[derive(Default)]
struct Lives(BTreeMap<(String, String), String>);

impl Lives {
    /// Whether it stands where another stood when it was last looked at: that one has ended.
    fn has_followed(&mut self, process: &str, instance: &Instance) -> bool {
        let Some(dyno) = instance.details.get("dyno") else { return false };
        let before = self.0.insert((process.to_owned(), dyno.clone()), instance.id.clone());
        before.is_some_and(|before| before != instance.id)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn copy(id: &str, release: char, state: InstanceState) -> Instance {
        Instance {
            id: id.to_owned(),
            release: release.to_string().repeat(64),
            since: Utc::now(),
            state,
            reason: None,
            details: [("dyno".to_owned(), "web.1".to_owned())].into(),
        }
    }

    #[test]
    fn a_dyno_that_comes_back_under_its_name_has_died() {
        let mut lives = Lives::default();
        let mut see = |id: &str| lives.has_followed("web", &copy(id, 'b', InstanceState::Healthy));
        assert_eq!([see("one"), see("one"), see("two"), see("two")], [false, false, true, false]);
    }

    #[test]
    fn elsewhere_a_copy_in_the_expected_release_has_to_answer_and_none_of_another_may_stay() {
        use InstanceState::{Draining, Healthy, Starting};
        let to = Digest::parse(&"b".repeat(64)).unwrap();
        let roll = Roll { process: "web".to_owned(), from: None, to, place: Some("cloud".to_owned()) };
        let missing = |instances: &[Instance]| missing_there(&roll, instances);
        assert_eq!(missing(&[copy("1", 'a', Draining), copy("2", 'b', Healthy)]), None);
        assert!(
            missing(&[copy("1", 'a', Healthy), copy("2", 'b', Healthy)]).unwrap().contains("is not running")
        );
        assert!(missing(&[copy("2", 'b', Starting)]).unwrap().contains("does not answer"));
        assert!(missing(&[]).is_some());
    }
}
