//! Writes down how a release stands, for `sides release status`.

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::{TimeDelta, Utc};
use platform::local::ProcessIdentity;
use workspace::{
    Outcome,
    releases::{End, Interrupted, Noted, Stage, State, Status, StepId, Store},
};

use super::{Ended, receipt::Verdict, watching::Watching};

/// What others are told of this release.
pub(super) struct Report {
    store: Store,
    status: Status,
    bake: TimeDelta,
    is_written: bool,
}

impl Report {
    /// Of the release that this process is about to begin; `log` has its output, if it is detached.
    pub(super) fn new(store: &Store, watching: &Watching, log: Option<PathBuf>) -> anyhow::Result<Self> {
        let process = ProcessIdentity::of(std::process::id()).context("/proc does not show this process")?;
        let status = Status {
            number: None,
            goes_back: false,
            process,
            started_at: Utc::now(),
            steps: Vec::new(),
            watched_until: None,
            log,
            end: None,
        };
        let bake =
            i64::try_from(watching.bake).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX);
        Ok(Self { store: store.clone(), status, bake, is_written: false })
    }

    /// This one is the only release now, and seeks its order. Whoever stays to watch sees that, and needs nothing written.
    pub(super) fn plans(&mut self) -> anyhow::Result<()> {
        if self.status.log.is_some() { self.write() } else { Ok(()) }
    }

    /// The order is found, and nothing is changed yet.
    pub(super) fn begins(&mut self, number: u64, release: &Interrupted) -> anyhow::Result<()> {
        self.status.number = Some(number);
        self.status.goes_back = release.goes_back;
        self.status.steps.clone_from(&release.steps);
        self.write()
    }

    /// A step has come so far.
    pub(super) fn comes_to(&mut self, steps: &[Noted], id: &StepId, stage: Stage) -> anyhow::Result<()> {
        steps.clone_into(&mut self.status.steps);
        let watches = matches!(id, StepId::Watch { .. }) && stage == Stage::Begun;
        self.status.watched_until = watches.then(|| self.deadline()).flatten();
        self.write()
    }

    /// The watch begins again.
    pub(super) fn watches_again(&mut self) -> anyhow::Result<()> {
        self.status.watched_until = self.deadline();
        self.write()
    }

    /// The last word. Nothing is said of a release that never began, and was not detached.
    pub(super) fn ends(mut self, ended: &anyhow::Result<Ended>) -> anyhow::Result<()> {
        if !self.is_written {
            return Ok(());
        }
        self.status.watched_until = None;
        self.status.end = Some(end(ended));
        self.write()
    }

    fn deadline(&self) -> Option<chrono::DateTime<Utc>> {
        Utc::now().checked_add_signed(self.bake)
    }

    fn write(&mut self) -> anyhow::Result<()> {
        self.status.write(&self.store)?;
        self.is_written = true;
        Ok(())
    }
}

fn end(ended: &anyhow::Result<Ended>) -> End {
    let outcome = ended.as_ref().map_or(Outcome::Failed, Ended::outcome);
    let (state, reason, receipt) = match ended {
        Ok(Ended::CarriedOut { receipt, number, .. }) => {
            let state = match receipt.outcome {
                Verdict::Released => State::Released,
                Verdict::Undone => State::Undone,
                Verdict::Partial => State::Partial,
            };
            (state, receipt.reason.clone(), *number)
        }
        Ok(Ended::NothingToDo | Ended::Shown) => (State::NothingToDo, None, None),
        Ok(Ended::Refused) => (State::Refused, None, None),
        Ok(Ended::NoHost) => (State::Failed, Some("no host runs here".to_owned()), None),
        Ok(Ended::Hindered(obstacles)) => {
            let reasons: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
            (State::Failed, Some(reasons.join("; ")), None)
        }
        Err(error) => (State::Failed, Some(format!("{error:#}")), None),
    };
    End { at: Utc::now(), state, reason, receipt, exit_code: outcome as u8 }
}
