//! The progress of a release, recorded at every step: in a file for the next command after a kill, in another one for
//! whoever asks on this machine, in a row for everybody.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    ledger::Ledger,
    plan::Plan,
    receipt::{Done, Receipt, Replaced},
    report::Report,
};
use crate::progress::Progress;
use platform::place::told;
use workspace::{
    control::DevStatus,
    releases::{Interrupted, Noted, Set, Stage, StepId, Store},
};

pub(super) struct Journal<'a> {
    progress: &'a dyn Progress,
    store: &'a Store,
    pub(super) ledger: Ledger,
    number: u64,
    release: Interrupted,
    report: &'a mut Report,
    processes: BTreeMap<String, Replaced>,
    begun: Instant,
    steps: Vec<Done>,
    pub(super) notes: Vec<String>,
}

impl<'a> Journal<'a> {
    /// Opens it with every step of the plan, none begun. A release of which nothing can be written down does not begin.
    pub(super) async fn open(
        progress: &'a dyn Progress,
        store: &'a Store,
        ledger: Ledger,
        release: Interrupted,
        plan: &Plan,
        report: &'a mut Report,
    ) -> anyhow::Result<Self> {
        let processes = plan.rolls().map(|roll| {
            let from = roll.from.as_ref().map(|digest| digest.as_str().to_owned());
            let (to, place) = (roll.to.as_str().to_owned(), roll.place.clone());
            (roll.process.clone(), Replaced { from, to, place })
        });
        let processes = processes.collect();
        let waiting = |step: &super::plan::Step| Noted {
            id: Some(step.id()),
            what: step.to_string(),
            stage: Stage::Waits,
        };
        let release = Interrupted { steps: plan.steps.iter().map(waiting).collect(), ..release };
        let number = store.begin(&release.to)?;
        report.begins(number, &release)?;
        store.set_interrupted(Some(&release))?;
        let (begun, steps, notes) = (Instant::now(), Vec::new(), Vec::new());
        let mut journal =
            Self { progress, store, ledger, number, release, report, processes, begun, steps, notes };
        journal.tell().await;
        Ok(journal)
    }

    /// These steps were taken before it was opened.
    pub(super) fn comes_behind(&mut self, steps: Vec<Done>) {
        self.steps.splice(0..0, steps);
    }

    /// Takes a step, and writes down that it has started and, if all goes well, that it is done. `what` is what the plan
    /// calls it, `done` what it is called when it is over.
    pub(super) async fn step<T>(
        &mut self,
        id: StepId,
        what: String,
        done: String,
        step: impl AsyncFnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.note(&id, &what, Stage::Begun)?;
        let (answer, seconds) = self.during(&what, step).await?;
        self.note(&id, &what, Stage::Done)?;
        self.done(id, done, seconds).await;
        Ok(answer)
    }

    /// Takes a step back. It is taken even where nothing can be written down, as on a full disk: that the release began is
    /// known, and each step back can be taken again.
    pub(super) async fn step_back<T>(
        &mut self,
        id: StepId,
        what: String,
        step: impl AsyncFnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let told = self.note(&id, &what, Stage::Begun);
        self.heed(told);
        let (answer, seconds) = self.during(&what, step).await?;
        let told = self.note(&id, &what, Stage::Done);
        self.heed(told);
        self.done(id, what, seconds).await;
        Ok(answer)
    }

    async fn during<T>(
        &mut self,
        what: &str,
        step: impl AsyncFnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Duration)> {
        let (begun, progress) = (Instant::now(), self.progress);
        let answer = progress
            .during(what, async {
                self.tell().await;
                step(self).await
            })
            .await?;
        Ok((answer, begun.elapsed()))
    }

    async fn done(&mut self, id: StepId, what: String, took: Duration) {
        self.progress.done(&what, took);
        self.steps.push(Done { id: Some(id), what, seconds: took.as_secs_f64() });
        self.tell().await;
    }

    /// Everything that was measured of the steps, for the last word.
    pub(super) fn receipt(&self) -> Receipt {
        let seconds = self.begun.elapsed().as_secs_f64();
        let receipt = Receipt::unfinished(self.processes.clone(), self.steps.clone(), seconds);
        Receipt { notes: self.notes.clone(), ..receipt }
    }

    fn note(&mut self, id: &StepId, what: &str, stage: Stage) -> anyhow::Result<()> {
        match self.release.steps.iter_mut().find(|step| step.id.as_ref() == Some(id)) {
            Some(step) => step.stage = stage,
            // A watch is in no plan, nor is what undoes a release.
            None => {
                let (id, what) = (Some(id.clone()), what.to_owned());
                self.release.steps.push(Noted { id, what, stage });
            }
        }
        self.store.set_interrupted(Some(&self.release))?;
        let told = self.report.comes_to(&self.release.steps, id, stage);
        self.heed(told);
        Ok(())
    }

    /// The watch begins again.
    pub(super) fn watches_again(&mut self) {
        let told = self.report.watches_again();
        self.heed(told);
    }

    /// A release that nobody can be told of is as good as before.
    fn heed(&self, told: anyhow::Result<()>) {
        if let Err(error) = told {
            self.progress.notice(&format!("`sides release status` is behind: {error:#}"));
        }
    }

    /// The number of its set in `sides releases`.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The row is for people; a database that is away now is told at the end.
    async fn tell(&mut self) {
        let doing = self.release.steps.iter().filter(|step| step.stage == Stage::Begun);
        let doing = doing.map(|step| step.what.clone()).collect();
        let receipt = Receipt { doing, ..self.receipt() };
        drop(self.ledger.record(&receipt, Duration::ZERO).await);
    }
}

/// What to say of a release that was interrupted.
pub(super) fn interruption(release: &Interrupted, running: &Set, status: Option<&DevStatus>) -> String {
    let mut text = "the last release was interrupted:".to_owned();
    for step in &release.steps {
        let mark = match step.stage {
            Stage::Done => "done",
            Stage::Begun => "begun",
            Stage::Waits => "not begun",
        };
        text += &format!("\n    {mark:>9}  {}", step.what);
    }
    let names: std::collections::BTreeSet<&String> = release.from.keys().chain(release.to.keys()).collect();
    for name in names {
        let (from, to, now) = (release.from.get(name), release.to.get(name), running.get(name));
        let state = match now {
            _ if from == to => continue,
            now if now == to => "the new release",
            now if now == from => "the old release",
            _ => "another release",
        };
        text += &format!("\n    {name} runs {state}");
    }
    for (process, canary) in status.into_iter().flat_map(|status| &status.canaries) {
        text += &format!("\n    one instance of {process} is a canary, {}", told(canary));
    }
    text + "\n  `sides release` continues it, `sides rollback` undoes it"
}

#[cfg(test)]
mod tests {
    use super::*;
    use workspace::releases::Digest;

    fn set(pairs: &[(&str, char)]) -> Set {
        let digest = |letter: char| Digest::parse(&letter.to_string().repeat(64)).unwrap();
        pairs.iter().map(|(process, letter)| ((*process).to_owned(), digest(*letter))).collect()
    }

    #[test]
    fn an_interrupted_release_is_told_step_by_step_and_with_what_runs() {
        let noted = |what: &str, stage| Noted { id: None, what: what.to_owned(), stage };
        let release = Interrupted {
            from: set(&[("web", 'a'), ("worker", 'a'), ("clock", 'c')]),
            to: set(&[("web", 'b'), ("worker", 'b'), ("clock", 'c')]),
            goes_back: false,
            steps: vec![
                noted("replace worker", Stage::Done),
                noted("replace web", Stage::Begun),
                noted("migrate: 2_drop", Stage::Waits),
            ],
        };
        let canaries = [("web".to_owned(), "b".repeat(64))].into();
        let status = DevStatus { canaries, ..DevStatus::default() };
        let running = set(&[("web", 'a'), ("worker", 'b'), ("clock", 'c')]);
        let text = interruption(&release, &running, Some(&status));
        let expected = "the last release was interrupted:\n         done  replace worker\n        begun  replace \
                        web\n    not begun  migrate: 2_drop\n    web runs the old release\n    worker runs the \
                        new release\n    one instance of web is a canary, bbbbbbbbbbbb\n  `sides release` continues it, `sides rollback` \
                        undoes it";
        assert_eq!(text, expected);
    }
}
