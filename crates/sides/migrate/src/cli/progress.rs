//! One line of progress, updated in place on a terminal and repeated now and then elsewhere.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// How often progress is said to a log.
const EVERY: Duration = Duration::from_secs(10);
/// Back to the line's begin, and nothing stands there any more.
const CLEAR: &str = "\r\x1b[2K";

/// What stands on standard output without its end.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    is_terminal: bool,
    stands: bool,
    said_at: Option<Instant>,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        // A dumb one shows what is meant for the others as letters.
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { is_terminal: std::io::stdout().is_terminal() && !is_dumb, stands: false, said_at: None }
    }

    pub(crate) fn show(&mut self, text: &str) {
        let mut out = std::io::stdout();
        // A reader that went away is no reason to stop half way.
        if self.is_terminal {
            // Asked each time: a person makes the window wider to read it.
            let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
            write!(out, "{CLEAR}{}", cut(text, width)).and_then(|()| out.flush()).ok();
            self.stands = true;
        } else if self.said_at.is_none_or(|at| at.elapsed() >= EVERY) {
            self.said_at = Some(Instant::now());
            writeln!(out, "{text}").ok();
        }
    }

    /// Makes room for what comes next.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.stands) {
            let mut out = std::io::stdout();
            write!(out, "{CLEAR}").and_then(|()| out.flush()).ok();
        }
    }
}

/// What fits: of a line that breaks only the last part can be written over.
fn cut(text: &str, width: usize) -> String {
    let room = width.saturating_sub(1);
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= room {
        return line.to_owned();
    }
    line.chars().take(room.saturating_sub(1)).chain(['…']).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_as_wide_as_the_terminal() {
        assert_eq!(cut("2_fill: 500 rows", 17), "2_fill: 500 rows");
        assert_eq!(cut("2_fill: 500 rows", 16), "2_fill: 500 ro…");
        assert_eq!(cut("an index\n  held by pid 7", 80), "an index");
        assert_eq!([cut("äöü", 3), cut("äöü", 2), cut("äöü", 0)], ["ä…", "…", ""]);
    }
}
