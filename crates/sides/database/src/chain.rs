//! An error in one line.

use std::error::Error;

/// An error and what caused it, in one line: its own text, and behind a colon that of each cause.
pub fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
