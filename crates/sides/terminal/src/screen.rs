//! Lines that scroll, and below them, on a terminal, one line that stays.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anstyle::Style;

use crate::palette::Palette;

/// A piece of the status line. Pieces that do not fit are left out, from the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it says, of one line.
    pub text: String,
    /// How it is painted, where colour is wanted.
    pub style: Style,
}

/// Where progress is shown: standard output, unless that is for a program.
#[derive(Debug)]
pub struct Screen {
    /// What lines for it are painted with.
    pub palette: Palette,
    is_terminal: bool,
    /// Standard output is somebody's JSON.
    beside_output: bool,
    /// The status line as it stands, painted.
    status: Mutex<String>,
    is_gone: AtomicBool,
}

impl Screen {
    /// Standard output, with a line that stays when that is a terminal.
    #[expect(clippy::new_without_default, reason = "it is made once, for a terminal that is looked at")]
    pub fn new() -> Self {
        Self {
            palette: Palette::for_stdout(),
            is_terminal: io::stdout().is_terminal(),
            beside_output: false,
            status: Mutex::default(),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Standard error, when standard output is for a program: plain lines.
    pub fn beside_output() -> Self {
        Self {
            palette: Palette::PLAIN,
            is_terminal: false,
            beside_output: true,
            status: Mutex::default(),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Whether nobody can read any more: `sides dev | head`, a closed terminal.
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Prints a line (or several) above the status line.
    pub fn line(&self, text: &str) {
        let status = self.lock();
        let clear = if status.is_empty() { "" } else { "\r\u{1b}[2K" };
        self.write(&format!("{clear}{text}\n{status}"));
    }

    /// Whether there is a line that stays.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Replaces the status line; without a terminal there is none.
    pub fn status(&self, pieces: &[Piece]) {
        if !self.is_terminal {
            return;
        }
        let width = crate::columns().unwrap_or(80);
        let fresh = fit(pieces, width.saturating_sub(1), self.palette);
        let mut status = self.lock();
        if *status != fresh {
            self.write(&format!("\r\u{1b}[2K{fresh}"));
            *status = fresh;
        }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: &str) {
        let put = |out: &mut dyn io::Write| out.write_all(text.as_bytes()).and_then(|()| out.flush());
        let put = if self.beside_output { put(&mut io::stderr()) } else { put(&mut io::stdout()) };
        if put.is_err() {
            self.is_gone.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.status(&[]);
    }
}

fn fit(pieces: &[Piece], width: usize, palette: Palette) -> String {
    let mut line = String::new();
    let mut used = 0;
    for piece in pieces {
        used += piece.text.chars().count();
        if used > width {
            break;
        }
        line.push_str(&palette.paint(piece.style, &piece.text));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::PLAIN;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let pieces: Vec<_> = ["web ●", " · ", "http://127.0.0.1"]
            .map(|text| Piece { text: text.to_owned(), style: PLAIN })
            .into();
        assert_eq!(fit(&pieces, 24, Palette::PLAIN), "web ● · http://127.0.0.1");
        assert_eq!(fit(&pieces, 23, Palette::PLAIN), "web ● · ");
        assert_eq!(fit(&pieces, 0, Palette::PLAIN), "");
    }
}
