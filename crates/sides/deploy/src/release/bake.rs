//! The watch over new builds: their requests, their jobs, their ticks, their crashes, their memory.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use platform::{
    local::State,
    place::{Instance, InstanceState},
};
use tokio::time;

use super::{
    eyes::Eyes,
    growth::Growth,
    journal::Journal,
    judge::{self, Blame},
    late::Ticking,
    ledger::{self, Ledger, OUTAGE_LIMIT, OUTAGES},
    plan::Roll,
    steps::Run,
};
use workspace::control::Client;

/// How long the replaced processes may take to answer, all of them, at the end.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The same where an instance may be on its way still when a release that was interrupted is continued.
const ANSWER_LIMIT_REMOTE: Duration = Duration::from_secs(120);
const BETWEEN: Duration = Duration::from_millis(100);
/// The queue and the host are asked less often.
const ASKED_EVERY: Duration = Duration::from_secs(1);

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
    use workspace::releases::Digest;

    use super::*;

    fn instance(id: &str, release: char, state: InstanceState) -> Instance {
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
        let mut see = |id: &str| lives.has_followed("web", &instance(id, 'b', InstanceState::Healthy));
        assert_eq!([see("one"), see("one"), see("two"), see("two")], [false, false, true, false]);
    }

    #[test]
    fn at_another_place_an_instance_in_the_expected_release_has_to_answer_and_none_of_another_may_stay() {
        use InstanceState::{Draining, Healthy, Starting};
        let to = Digest::parse(&"b".repeat(64)).unwrap();
        let roll = Roll { process: "web".to_owned(), from: None, to, place: Some("cloud".to_owned()) };
        let missing = |instances: &[Instance]| missing_there(&roll, instances);
        assert_eq!(missing(&[instance("1", 'a', Draining), instance("2", 'b', Healthy)]), None);
        assert!(
            missing(&[instance("1", 'a', Healthy), instance("2", 'b', Healthy)])
                .unwrap()
                .contains("is not running")
        );
        assert!(missing(&[instance("2", 'b', Starting)]).unwrap().contains("does not answer"));
        assert!(missing(&[]).is_some());
    }
}
