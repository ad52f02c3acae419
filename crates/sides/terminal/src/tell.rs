//! Marks and durations, in words.

use std::time::Duration;

use crate::{
    clean::clean_lines,
    palette::{BAD, BUSY, GOOD, Palette, QUIET},
};

/// `0.4 s`, `12 s`, `3:05`, `2:03:05`
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

/// A step that is done, and how long it took.
#[must_use]
pub fn done(palette: Palette, text: &str, took: Duration) -> String {
    let text = clean_lines(text, palette.is_enabled());
    format!("{} {text}  {}", palette.paint(GOOD, "✓"), palette.paint(QUIET, &seconds(took)))
}

/// Something that is as it should be.
#[must_use]
pub fn good(palette: Palette, text: &str) -> String {
    format!("{} {}", palette.paint(GOOD, "✓"), clean_lines(text, palette.is_enabled()))
}

/// A file was saved.
#[must_use]
pub fn change(palette: Palette, what: &str) -> String {
    format!("{} {what} changed", palette.paint(QUIET, "↻"))
}

/// Something a person should notice.
#[must_use]
pub fn notice(palette: Palette, text: &str) -> String {
    format!("{} {}", palette.paint(BUSY, "!"), clean_lines(text, palette.is_enabled()))
}

/// Something that is wrong.
#[must_use]
pub fn fault(palette: Palette, text: &str) -> String {
    format!("{} {}", palette.paint(BAD, "✗"), clean_lines(text, palette.is_enabled()))
}

/// `12 s`, `7 min`, `2 h 5 min`
#[must_use]
pub fn up_time(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (milliseconds, text) in
            [(40, "0.0 s"), (2345, "2.3 s"), (59_900, "59 s"), (185_000, "3:05"), (7_385_000, "2:03:05")]
        {
            assert_eq!(seconds(Duration::from_millis(milliseconds)), text);
        }
    }
}
