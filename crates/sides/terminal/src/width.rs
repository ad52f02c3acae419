//! The width of the terminal.

use std::io;

/// Columns of the terminal on standard output; `None` when that is a file or a pipe.
#[must_use]
pub fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0).max(1))
}
