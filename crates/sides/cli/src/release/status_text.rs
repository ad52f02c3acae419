//! The status of a release, as people read it.

use chrono::{DateTime, Utc};
use terminal::{BAD, BUSY, GOOD, Palette, QUIET, clean_lines, tell};
use workspace::releases::{Noted, Stage, State, Status};

use super::found::Found;

/// A line for each step.
pub(super) fn marks(status: &Status, palette: Palette) -> Vec<String> {
    let step = |step: &Noted| {
        let (style, mark) = match step.stage {
            Stage::Done => (GOOD, "done"),
            Stage::Begun => (BUSY, "begun"),
            Stage::Waits => (QUIET, "not begun"),
        };
        format!("  {}  {}", palette.paint(style, &format!("{mark:>9}")), step.what)
    };
    status.steps.iter().map(step).collect()
}

pub(super) fn in_words(found: &Found, palette: Palette) -> String {
    let Status { number, goes_back, process, started_at, watched_until, log, end, .. } = &found.status;
    let what = if *goes_back { "Rollback" } else { "Release" };
    let what = number.map_or_else(|| what.to_owned(), |number| format!("{what} {number}"));
    let mut lines = vec![format!("{what}, started {} (pid {})", clock(*started_at), process.pid)];
    lines.extend(marks(&found.status, palette));
    if let Some(until) = watched_until.filter(|_| !found.state.is_over()) {
        let left = (until - Utc::now()).to_std().unwrap_or_default();
        lines.push(format!(
            "  the new builds are watched until {}, {} more",
            clock(until),
            tell::seconds(left)
        ));
    }
    lines.extend(log.iter().map(|log| format!("  output: {}", log.display())));
    let reason = end.as_ref().and_then(|end| end.reason.as_deref());
    let at = end.as_ref().map(|end| format!(" at {}", clock(end.at))).unwrap_or_default();
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    lines.push(format!("{}{at}{why}", word(found.state, palette)));
    if let Some(number) = end.as_ref().and_then(|end| end.receipt) {
        lines.push(format!("`sides receipt {number}` shows what was measured."));
    }
    lines.extend(next_in_words(found).map(str::to_owned));
    clean_lines(&lines.join("\n"), palette.is_enabled())
}

fn next_in_words(found: &Found) -> Option<&'static str> {
    match found.state {
        State::Planning | State::UnderWay => Some("`sides rollback` stops it and goes back."),
        _ if found.next().is_some() => Some("`sides rollback` undoes it, `sides release` continues it."),
        State::Killed => Some("Nothing of it is left to finish or to undo."),
        _ => None,
    }
}

fn word(state: State, palette: Palette) -> String {
    let (style, word) = match state {
        State::Planning => (BUSY, "Its order is being sought"),
        State::UnderWay => (BUSY, "In progress"),
        State::Released => (GOOD, "Released"),
        State::Undone => (BAD, "Undone"),
        State::Partial => (BAD, "Incomplete"),
        State::NothingToDo => (GOOD, "There was nothing to do"),
        State::Refused => (BAD, "Refused; nothing was changed"),
        State::Failed => (BAD, "Failed"),
        State::Killed => (BAD, "Killed: its process ended without saying how the release stands"),
    };
    palette.paint(style, word)
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%F %TZ").to_string()
}
