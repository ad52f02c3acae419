//! What a release sees of web: the requests of its prober, and whether they speak against the new build.

use std::time::{Duration, Instant};

use platform::prober::{Prober, Seen};
use tokio::time;

use super::{
    judge::{Blame, Judge, Lap},
    machine::Machine,
    watching::Watching,
};
use workspace::releases::Digest;

const BETWEEN: Duration = Duration::from_millis(100);
/// How long web is watched before it is touched, to know what it was like.
const BEFORE: Duration = Duration::from_secs(1);
/// So many requests it is asked before that, where they come seldom: of fewer, no difference is one beyond chance.
const BEFORE_LEAST: u64 = 30;
/// But for no longer than this.
const BEFORE_LIMIT: Duration = Duration::from_secs(5);
/// Fewer requests say nothing of what runs.
const LEAST_SEEN: u64 = 20;
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
    /// The process that is asked; none where there is none that visitors reach.
    web: Option<String>,
    /// Its new build, as its instances are told it; none while web is as it was.
    new_web: Option<String>,
    /// What that has answered, as far as it was looked at.
    of_new: Seen,
}

impl Eyes {
    /// Without a prober they see nothing. A release that is not watched needs no comparison.
    pub(super) async fn open(web: Option<&str>, prober: Option<Prober>, watching: &Watching) -> Self {
        // Where the machine cannot be watched it counts as quiet.
        let machine = if prober.is_some() { Machine::watch().await.ok() } else { None };
        if let Some(prober) = &prober
            && watching.bake > 0
        {
            let begun = Instant::now();
            let is_known = || begun.elapsed() >= BEFORE && prober.seen().all() >= BEFORE_LEAST;
            while !is_known() && begun.elapsed() < BEFORE_LIMIT {
                time::sleep(BETWEEN).await;
            }
        }
        Self {
            prober,
            machine,
            before: None,
            slower: watching.since(),
            judge: None,
            web: web.map(str::to_owned),
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
    pub(super) fn look(&mut self) -> Option<Blame> {
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
        Some(self.blame(reason))
    }

    /// Whether nothing that was seen last is still to be blamed or forgiven, for a watch that is over for so long.
    ///
    /// # Errors
    /// The blame, when that stays open.
    pub(super) fn are_sure(&self, over_for: Duration) -> Result<bool, Blame> {
        let Some(judge) = self.judge.as_ref().filter(|judge| judge.suspects()) else { return Ok(true) };
        if over_for < DOUBT_LIMIT {
            return Ok(false);
        }
        judge.unsettled().map_or(Ok(true), |reason| Err(self.blame(reason)))
    }

    /// Nobody in particular where web is as it was.
    fn blame(&self, reason: String) -> Blame {
        let process = self.web.clone().filter(|_| self.new_web.is_some()).unwrap_or_default();
        Blame { process, reason }
    }

    /// Waits until web answers well again. How many requests failed until then is counted like all others, and held
    /// against nobody.
    pub(super) async fn recover(&mut self) {
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use platform::prober::{Asked, Visitor};

    use super::*;

    struct Content;

    #[async_trait]
    impl Visitor for Content {
        async fn ask(&mut self) -> Asked {
            Asked::default()
        }
    }

    #[tokio::test]
    async fn a_web_that_is_asked_seldom_is_watched_for_longer_before_it_is_touched() {
        let watching = Watching { bake: 5, slower: None, probe: "/".to_owned() };
        let seldom = Prober::of([Box::new(Content) as Box<dyn Visitor>], Duration::from_millis(60));
        let mut eyes = Eyes::open(Some("web"), Some(seldom), &watching).await;
        eyes.compare_from_now();
        let before = eyes.close().await.1.unwrap();
        assert!(before.all() >= BEFORE_LEAST, "{before:?}");
    }
}
