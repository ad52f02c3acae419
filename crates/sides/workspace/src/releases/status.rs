//! How the release in progress stands, or how the last one ended: for everybody who did not stay to watch it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use platform::local::{ProcessIdentity, write_private};
use serde::{Deserialize, Serialize};

use super::{Noted, Seen, Store};
use crate::Outcome;

/// In the run folder. Replaced in one step, so that it is never read half.
const FILE: &str = "release.json";

/// A release or a rollback, as its process wrote it down last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its number in `sides releases`; none while its order is sought.
    pub number: Option<u64>,
    /// Whether it is a rollback.
    pub goes_back: bool,
    /// The process that carries it out.
    pub process: ProcessIdentity,
    /// When that began.
    pub started_at: DateTime<Utc>,
    /// Its steps; none while its order is sought.
    pub steps: Vec<Noted>,
    /// Until when the new builds are watched, while they are.
    pub watched_until: Option<DateTime<Utc>>,
    /// Where its output is, if it was detached.
    pub log: Option<PathBuf>,
    /// How it ended; none while it goes on, or if its process could not say.
    pub end: Option<End>,
}

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When.
    pub at: DateTime<Utc>,
    /// In one word.
    pub state: State,
    /// Why, if it did not end well.
    pub reason: Option<String>,
    /// The number of its receipt, if there is one.
    pub receipt: Option<i64>,
    /// The exit code of its command.
    pub exit_code: u8,
}

/// How a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its order is sought; nothing is changed.
    Planning,
    /// It is carried out, or its builds are watched.
    UnderWay,
    /// Every process answers, in the expected release.
    Released,
    /// What had been replaced was put back.
    Undone,
    /// Not even that: some processes are new, some old.
    Partial,
    /// What was wanted ran already.
    NothingToDo,
    /// There was no order in which it could go; nothing was changed.
    Refused,
    /// It could not go on; the reason says why.
    Failed,
    /// Its process has ended without a last word.
    Killed,
}

impl State {
    /// Whether it is over.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Planning | Self::UnderWay)
    }
}

impl Status {
    /// The last one that this workspace's processes wrote down, and how it stands now.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(store: &Store) -> anyhow::Result<Option<(Self, State)>> {
        let file = store.run_folder().join(FILE);
        let Some(status) = read(&file)? else { return Ok(None) };
        if status.end.is_some() || status.process.runs() {
            return Ok(Some((status.clone(), status.state(None))));
        }
        // It may have said its last word between the two looks.
        let Some(status) = read(&file)? else { return Ok(None) };
        let seen = match status.number {
            Some(number) => store.history()?.find(number).map(|entry| entry.seen),
            None => None,
        };
        Ok(Some((status.clone(), status.state(seen))))
    }

    /// Writes it down for others.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&self, store: &Store) -> anyhow::Result<()> {
        let file = store.run_folder().join(FILE);
        let written = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let written = written.and_then(|text| write_private(&file, &text));
        written.with_context(|| format!("cannot write {}", file.display()))
    }

    /// What a full disk kept it from saying may have been `seen` all the same.
    fn state(&self, seen: Option<Seen>) -> State {
        match (&self.end, seen) {
            (Some(end), _) => end.state,
            (None, Some(Seen::Good)) => State::Released,
            (None, Some(Seen::Undone)) => State::Undone,
            (None, Some(Seen::Failed)) => State::Partial,
            (None, _) if !self.process.runs() => State::Killed,
            (None, _) if self.steps.is_empty() => State::Planning,
            (None, _) => State::UnderWay,
        }
    }

    /// The exit code for a script that asks: 0 while it goes on, and then that of the release. One that was killed was not
    /// undone while something `is_left` of it.
    pub fn exit_code(&self, state: State, is_left: bool) -> u8 {
        let of = |outcome: Outcome| outcome as u8;
        match (&self.end, state) {
            (Some(end), _) => end.exit_code,
            (None, State::Planning | State::UnderWay | State::Released) => of(Outcome::Done),
            (None, State::Killed) if !is_left => of(Outcome::Undone),
            (None, State::Killed | State::Partial) => of(Outcome::Partial),
            (None, State::Undone) => of(Outcome::Undone),
            (None, State::NothingToDo) => of(Outcome::NothingToDo),
            (None, State::Refused) => of(Outcome::Refused),
            (None, State::Failed) => of(Outcome::Failed),
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Option<Status>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let status = serde_json::from_str(&text);
    Ok(Some(status.with_context(|| format!("{} is damaged: remove it", file.display()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Workspace,
        releases::{Set, Stage},
    };

    fn status(number: u64, process: ProcessIdentity) -> Status {
        let step = Noted { id: None, what: "replace web".to_owned(), stage: Stage::Begun };
        Status {
            number: Some(number),
            goes_back: false,
            process,
            started_at: Utc::now(),
            steps: vec![step],
            watched_until: None,
            log: None,
            end: None,
        }
    }

    #[test]
    fn one_whose_process_has_gone_was_killed_unless_its_end_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Workspace::find(Some(folder.path())).unwrap()).unwrap();
        assert_eq!(Status::read(&store).unwrap(), None);
        let number = store.begin(&Set::new()).unwrap();
        let lives = ProcessIdentity::of(std::process::id()).unwrap();
        let gone = ProcessIdentity { began: lives.began + 1, ..lives };
        let state = |status: &Status| {
            status.write(&store).unwrap();
            let (read, state) = Status::read(&store).unwrap().unwrap();
            assert_eq!(&read, status);
            (state, read.exit_code(state, true))
        };
        let under_way = status(number, lives);
        assert_eq!(state(&under_way), (State::UnderWay, 0));
        assert_eq!(state(&Status { steps: Vec::new(), ..under_way }), (State::Planning, 0));
        let mut left = status(number, gone);
        assert_eq!(state(&left), (State::Killed, 7));
        assert_eq!(left.exit_code(State::Killed, false), 6);
        for (seen, expected) in [
            (Seen::Good, (State::Released, 0)),
            (Seen::Undone, (State::Undone, 6)),
            (Seen::Failed, (State::Partial, 7)),
        ] {
            store.judge(number, seen).unwrap();
            assert_eq!(state(&left), expected);
        }
        left.end =
            Some(End { at: Utc::now(), state: State::Failed, reason: None, receipt: None, exit_code: 1 });
        assert_eq!(state(&left), (State::Failed, 1));
        fs::write(store.run_folder().join(FILE), "{").unwrap();
        assert!(Status::read(&store).unwrap_err().to_string().contains("is damaged"));
    }
}
