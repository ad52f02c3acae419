//! The state and the events of processes in words.

use std::{path::Path, time::Duration};

use anstyle::Style;
use chrono::Utc;
use platform::local::{Event, Happening, ProcessStatus, Restart, State};

use terminal::{
    BAD, BUSY, GOOD, PLAIN, Palette, Piece, QUIET, STRONG, clean_lines,
    tell::{done, seconds, up_time},
};
use workspace::{
    control::{DevStatus, Phase, PostgresState, PostgresStatus},
    instances::Instance,
};

/// Everything answers: where the page is, how long that took, where the token is.
#[must_use]
pub fn ready(palette: Palette, status: &DevStatus, token: Option<&Path>, took: Duration) -> String {
    let page = match &status.address {
        Some(address) => format!(": {}", palette.paint(STRONG, address)),
        None => String::new(),
    };
    let mut text = done(palette, &format!("everything answers{page}"), took);
    if let Some(file) = token {
        text += &format!("\n  to sign in, use the token in {}", file.display());
    }
    text
}

/// One line for what happened to a process, if it is worth one.
#[must_use]
pub fn event(palette: Palette, event: &Event) -> Option<String> {
    let name = &event.process;
    let again = |restart: &Restart| {
        let pause = seconds(restart.pause);
        if restart.is_crash_loop() {
            format!("exited {} times in a row; restarting in {pause}", restart.deaths)
        } else {
            format!("restarting in {pause}")
        }
    };
    let (mark, style, text) = match &event.happening {
        Happening::Started { .. } | Happening::Draining => return None,
        Happening::Stopped => ("·", QUIET, format!("an instance of {name} has stopped")),
        Happening::Ready { after } => return Some(done(palette, &format!("{name} answers"), *after)),
        Happening::Waits(reason) => ("!", BUSY, format!("{name} is not ready yet: {reason}")),
        Happening::Unready(reason) => ("✗", BAD, format!("{name} stopped answering: {reason}")),
        Happening::NotStarted(reason, restart) => {
            ("✗", BAD, format!("{name} cannot start: {reason}; {}", again(restart)))
        }
        Happening::Died(exit, restart) => ("✗", BAD, format!("{name} {exit}; {}", again(restart))),
        Happening::Heavy { bytes, limit, killed } => {
            let (bytes, limit) = (bytes >> 20, limit >> 20);
            let follows = if *killed { "it was killed" } else { "a new instance replaces it" };
            ("!", BUSY, format!("{name} uses {bytes} MB of memory, limit {limit} MB: {follows}"))
        }
        Happening::Killed { .. } => ("!", BUSY, format!("{name} did not stop in time and was killed")),
    };
    Some(format!("{} {text}", palette.paint(style, mark)))
}

/// The line that stays at the bottom.
#[must_use]
pub fn status_line(status: &DevStatus) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut push = |text: String, style: Style| pieces.push(Piece { text, style });
    for process in &status.processes {
        let (mark, style) = mark_of(process.state);
        push(format!("{} ", process.name), PLAIN);
        push(format!("{mark}  "), style);
    }
    let (mark, style) = mark_of_postgres(status.postgres.state);
    push("Postgres ".to_owned(), PLAIN);
    push(mark.to_owned(), style);
    if let Some(address) = &status.address {
        push("  ·  ".to_owned(), QUIET);
        push(address.clone(), STRONG);
    }
    let last = match status.phase {
        Phase::Preparing => "  ·  preparing".to_owned(),
        Phase::Running => {
            let up = (Utc::now() - status.started_at).num_seconds().max(0);
            format!("  ·  up {}", up_time(up))
        }
        Phase::Stopping => "  ·  stopping; press Ctrl-C again to stop at once".to_owned(),
    };
    push(last, QUIET);
    pieces
}

/// `sides status`.
#[must_use]
pub fn whole_status(status: &DevStatus, palette: Palette) -> String {
    let phase = match status.phase {
        Phase::Preparing => "prepares",
        Phase::Running => "runs",
        Phase::Stopping => "is stopping",
    };
    let what = if status.is_host { "host" } else { "dev" };
    let mut text = format!("{what} {phase} (pid {})", status.pid);
    if let Some(address) = &status.address {
        text += &format!("  {}", palette.paint(STRONG, address));
    }
    for process in &status.processes {
        text += &format!("\n  {}", one_process(process, palette));
    }
    text + &format!("\n  {}", postgres(&status.postgres, palette))
}

/// Where one process is in its life.
#[must_use]
pub fn one_process(process: &ProcessStatus, palette: Palette) -> String {
    let (mark, style) = mark_of(process.state);
    let text = clean_lines(&describe(process), palette.is_enabled());
    format!("{} {:8}  {text}", palette.paint(style, mark), process.name)
}

/// Whether the database answers, and which it is.
#[must_use]
pub fn postgres(postgres: &PostgresStatus, palette: Palette) -> String {
    let (mark, style) = mark_of_postgres(postgres.state);
    let state = match postgres.state {
        PostgresState::Starting => "starts",
        PostgresState::Ready => "answers",
        PostgresState::Away => "does not answer",
    };
    let mut text = format!("{} {:8}  {state}", palette.paint(style, mark), "Postgres");
    for more in [&postgres.reason, &postgres.description].into_iter().flatten() {
        text += &format!(", {more}");
    }
    text
}

/// A process that some machine runs.
#[must_use]
pub fn instance(instance: &Instance, palette: Palette) -> String {
    let (mark, style) = if instance.is_ready() { ("●", GOOD) } else { ("◌", BUSY) };
    let silent = (Utc::now() - instance.heartbeat_at).num_seconds().max(0);
    let mark = palette.paint(style, mark);
    let Instance { process, release, host, pid, state, .. } = instance;
    let mut text = format!("{mark} {process:8}  {state}, release {release}, {host} pid {pid}");
    if let Some(address) = &instance.public_address {
        text += &format!(", http://{address}");
    }
    text += &format!(", http://{}/status, last seen {silent} s ago", instance.ops_address);
    clean_lines(&text, palette.is_enabled())
}

fn describe(process: &ProcessStatus) -> String {
    let state = match process.state {
        State::Starting => "starts",
        State::Ready => "answers",
        State::Unready => "does not answer",
        State::Restarting => "will be restarted",
        State::Draining => "is stopping",
        State::Stopped => "has stopped",
    };
    let mut text = state.to_owned();
    if let Some(reason) = &process.reason {
        text += &format!(": {reason}");
    }
    if let Some(pid) = process.pid {
        text += &format!(", pid {pid}");
    }
    if let Some(address) = process.ops_address {
        text += &format!(", http://{address}/status");
    }
    match process.restarts {
        0 => {}
        1 => text += ", restarted once",
        times => text += &format!(", restarted {times} times"),
    }
    text
}

/// Told apart by shape too, not by colour alone.
fn mark_of(state: State) -> (&'static str, Style) {
    match state {
        State::Ready => ("●", GOOD),
        State::Starting => ("◌", BUSY),
        State::Unready => ("✗", BAD),
        State::Restarting => ("↻", BAD),
        State::Draining => ("◍", BUSY),
        State::Stopped => ("○", QUIET),
    }
}

fn mark_of_postgres(state: PostgresState) -> (&'static str, Style) {
    match state {
        PostgresState::Ready => ("●", GOOD),
        PostgresState::Starting => ("◌", BUSY),
        PostgresState::Away => ("✗", BAD),
    }
}

#[cfg(test)]
mod tests {
    use platform::local::{Exit, Policy};

    use super::*;

    fn said(happening: Happening) -> Option<String> {
        event(Palette::PLAIN, &Event { process: "web".to_owned(), happening })
    }

    #[test]
    fn a_death_is_said_with_its_reason_and_what_follows() {
        let policy = Policy::default();
        let once = policy.after_death(0, Duration::ZERO);
        let died = said(Happening::Died(Exit::Signal(9), once)).unwrap();
        assert_eq!(died, "✗ web was killed by SIGKILL; restarting in 0.2 s");
        let again = policy.after_death(6, Duration::ZERO);
        let died = said(Happening::Died(Exit::Code(1), again)).unwrap();
        assert_eq!(died, "✗ web failed (exit code 1); exited 7 times in a row; restarting in 12 s");
    }
}
