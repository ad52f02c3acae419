//! What a person reads, or a program.

use std::io::Write as _;

use serde_json::json;

use crate::{Event, MigrateError, State, Status};

/// Prints what happens as it happens: text, or one JSON object a line.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
    done: usize,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, done: 0 }
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
            say(&line);
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
                State::Edited { at } => ("edited", format!("{at}, and changed here since")),
                State::Unknown { at } => ("unknown", format!("{at}, by a newer release")),
            };
            say(format!("{state:8} {}  {note}", one.name).trim_end());
        }
        let pending = found.iter().filter(|one| one.state == State::Pending).count();
        say(&format!("{} known to the database, {pending} pending", found.len() - pending));
    }

    pub(crate) fn error(&self, error: &MigrateError) {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
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
        Event::Rebuilds { index } => {
            Some(format!("{index} was left unfinished by an earlier run; building it again"))
        }
        Event::Done { migration, direction, milliseconds } => {
            let verb = if *direction == "up" { "applied" } else { "reverted" };
            Some(format!("{verb} {migration} ({milliseconds} ms)"))
        }
    }
}

/// A reader that went away, like `head`, is no reason to stop half way.
fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

fn complain(text: &str) {
    writeln!(std::io::stderr(), "error: {text}").ok();
}
