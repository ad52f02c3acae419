//! Output for people and for programs.

use std::{io::Write as _, path::Path};

use database::chain;
use serde_json::json;

use super::{
    backfill_text,
    progress::ProgressLine,
    shown::{on_one_line, shown},
};
use crate::{
    Event, MigrateError, Planned, Progress, State, Status,
    check::{Checked, Fixed},
    grants::Granted,
};

/// Prints what happens as it happens: text, or one JSON object a line.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    done: usize,
    progress: ProgressLine,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, done: 0, progress: ProgressLine::new() }
    }

    /// Whether a migration was applied or reverted.
    pub(crate) fn changed(&self) -> bool {
        self.done > 0
    }

    pub(crate) fn event(&mut self, event: &Event) {
        if matches!(event, Event::Done { .. }) {
            self.done += 1;
        }
        if self.json {
            say(&json!(event).to_string());
        } else if let Some(line) = line(event) {
            if matches!(event, Event::Progress { .. } | Event::Builds { .. }) {
                self.progress.show(&shown(&line));
            } else {
                self.progress.clear();
                say(&line);
            }
        }
    }

    pub(crate) fn end(&self, verb: &str, names: &[String]) {
        if self.json {
            say(&json!({"event": "end", verb: names}).to_string());
        } else if names.is_empty() {
            say("nothing to do");
        } else {
            let noun = if names.len() == 1 { "migration" } else { "migrations" };
            say(&format!("{} {noun} {verb}", names.len()));
        }
    }

    pub(crate) fn status(&self, found: &[Status]) {
        if self.json {
            found.iter().for_each(|one| say(&json!(one).to_string()));
            return;
        }
        for one in found {
            let (state, note) = match &one.state {
                State::Applied { at } => ("applied", at.clone()),
                State::Pending => ("pending", String::new()),
                State::Edited { at } => ("edited", format!("{at}, changed here since")),
                State::Unknown { at } => ("unknown", format!("{at}, by a newer release")),
            };
            say(format!("{state:8} {}  {note}", on_one_line(&one.name)).trim_end());
        }
        let pending = found.iter().filter(|one| one.state == State::Pending).count();
        say(&format!("{} known to the database, {pending} pending", found.len() - pending));
    }

    pub(crate) fn made(&self, folder: &Path) {
        let folder = folder.display().to_string();
        if self.json {
            say(&json!({"event": "made", "folder": folder}).to_string());
        } else {
            say(&format!("{folder}/up.sql\n{folder}/down.sql"));
        }
    }

    pub(crate) fn plan(&self, planned: &[Planned]) {
        if self.json {
            planned.iter().for_each(|one| say(&json!(one).to_string()));
            return;
        }
        if planned.is_empty() {
            say("nothing to do");
        }
        planned.iter().flat_map(super::planned::lines).for_each(|line| say(&line));
        if let Some(note) = planned.iter().find_map(|one| one.note.as_ref()) {
            say(&format!("judged by the text alone, nothing was tried: {note}"));
        }
    }

    pub(crate) fn drift(&self, lines: &[String]) {
        if self.json {
            say(&json!({"event": "drift", "difference": lines}).to_string());
        } else if lines.is_empty() {
            say("the schema matches the applied migrations");
        } else {
            say("the schema does not match the applied migrations (- missing, + unexpected):");
            lines.iter().for_each(|line| say(&format!("  {}", line.replace('\n', "\n    "))));
        }
    }

    pub(crate) fn checked(&self, folder: &Path, found: &[Checked], shows_commands: bool) {
        for one in found {
            if self.json {
                say(&json!(one).to_string());
            } else {
                super::findings::lines(folder, one).iter().for_each(|line| say(line));
            }
            if shows_commands {
                super::findings::commands(folder, one).iter().for_each(|line| self.annotate(line));
            }
        }
        if found.is_empty() && !self.json {
            say("nothing to check: every migration is applied");
        }
    }

    /// A command for a CI run, out of the way of a program that reads JSON.
    pub(crate) fn annotate(&self, command: &str) {
        if self.json {
            writeln!(std::io::stderr(), "{command}").ok()
        } else {
            writeln!(std::io::stdout(), "{command}").ok()
        };
    }

    pub(crate) fn backfills(&self, found: &[Progress]) {
        if self.json {
            found.iter().for_each(|one| say(&json!(one).to_string()));
        } else if found.is_empty() {
            say("no backfill has been started");
        } else {
            found.iter().for_each(|one| say(&backfill_text::line(one)));
        }
    }

    pub(crate) fn granted(&self, granted: &[Granted]) {
        if self.json {
            granted.iter().for_each(|one| say(&json!(one).to_string()));
            return;
        }
        for one in granted {
            let count = one.statements.len();
            match &one.warning {
                Some(warning) => say(&format!("{}: {count} changes; warning: {warning}", one.role)),
                None => say(&format!("{}: {count} changes", one.role)),
            }
            one.statements.iter().for_each(|statement| say(&format!("  {statement}")));
        }
        if granted.is_empty() {
            say("no running or given release says what it uses");
        }
    }

    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            say(text);
        }
    }

    pub(crate) fn fixed(&self, fixed: &Fixed) {
        if self.json {
            say(&json!({"event": "fixed", "name": fixed.name, "written": fixed.written}).to_string());
        } else {
            say(&format!("{} is now {}", fixed.name, fixed.written.join(", ")));
        }
    }

    /// Something that people should know beside the outcome.
    pub(crate) fn note(&self, note: &str) {
        if self.json {
            say(&json!({"event": "note", "note": note}).to_string());
        } else {
            complain(note);
        }
    }

    pub(crate) fn complain(&self, error: &dyn std::error::Error) {
        if self.json {
            say(&json!({"event": "error", "error": chain(error)}).to_string());
        } else {
            complain(&chain(error));
        }
    }

    pub(crate) fn error(&mut self, error: &MigrateError) {
        let text = chain(error);
        self.progress.clear();
        if self.json {
            say(&json!({"event": "error", "error": text, "migrations_done": self.done}).to_string());
        } else {
            complain(&text);
        }
    }
}

fn line(event: &Event) -> Option<String> {
    match event {
        Event::Waiting { holder } => Some(format!("waiting for another runner ({holder})")),
        Event::Begins { .. } => None,
        Event::Retries { migration, attempt, blockers } => {
            let held: String = blockers.iter().map(|blocker| format!("\n  held by {blocker}")).collect();
            Some(format!("{migration}: no lock at try {attempt}, trying again{held}"))
        }
        Event::InTheWay { migration, sessions } => {
            let sessions: String = sessions.iter().map(|one| format!("\n  {one}")).collect();
            Some(format!("{migration} is waiting for old transactions:{sessions}"))
        }
        Event::Rebuilds { index } => {
            Some(format!("{index} was left incomplete by an earlier run; building it again"))
        }
        Event::Unrehearsed { why } => Some(format!("reverting was not tried first: {why}")),
        Event::Builds { migration, phase, done, total, waits_for } => {
            let part = if *total > 0 { format!(", {} %", done * 100 / total) } else { String::new() };
            let waits = if waits_for.is_empty() { "" } else { ": " };
            Some(format!("{migration}: {phase}{part}{waits}{}", waits_for.join(", ")))
        }
        Event::Waits { migration } => Some(format!(
            "{migration} is waiting for an earlier migration of the same objects that was not requested"
        )),
        Event::Progress { migration, done, estimated, per_second, seconds_left, slow } => {
            let slow = slow.as_ref().map(|why| format!("; slowly: {why}")).unwrap_or_default();
            let rows = backfill_text::rows(*done, *estimated, *per_second, *seconds_left);
            Some(format!("{migration}: {rows}{slow}"))
        }
        Event::Paused { migration, by } => Some(format!("{migration} is paused by {by}; waiting")),
        Event::Reconnects { why } => Some(format!("the server is unavailable, trying again: {why}")),
        Event::Done { migration, direction, milliseconds } => {
            let verb = if *direction == "up" { "applied" } else { "reverted" };
            Some(format!("{verb} {migration} ({milliseconds} ms)"))
        }
    }
}

/// A reader that went away, like `head`, is no reason to stop half way.
fn say(line: &str) {
    writeln!(std::io::stdout(), "{}", shown(line)).ok();
}

fn complain(text: &str) {
    writeln!(std::io::stderr(), "error: {}", shown(text)).ok();
}
