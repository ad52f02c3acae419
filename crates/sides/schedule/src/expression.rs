//! When a schedule is due: `17 3 * * *`, `0 */5 * * * *`, `@hourly`, `every 10 s`, `@daily jitter 30 min`.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Note, Zone, calendar::Calendar, fields::LongSteps, jitter, note, quoted, span, zoned};

/// A validated expression. `Display` shows it as it was written.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    meaning: Meaning,
    jitter: Option<TimeDelta>,
}

#[derive(Debug, Clone)]
enum Meaning {
    Every(TimeDelta),
    Calendar(Calendar),
}

/// In characters: each day and weekday of a list is looked for by itself.
const LONGEST: usize = 1_000;

/// Why a text is not an expression.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not a schedule: {fault}", quoted(text))]
pub struct ExpressionError {
    text: String,
    fault: String,
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Self::read(text, LongSteps::Refused)
    }
}

impl Expression {
    /// Reads one that somebody stored: what used to be taken, and is refused by now, goes on as it was.
    ///
    /// # Errors
    /// When the text is not a valid expression.
    pub fn stored(text: &str) -> Result<Self, ExpressionError> {
        Self::read(text, LongSteps::Taken)
    }

    fn read(text: &str, steps: LongSteps) -> Result<Self, ExpressionError> {
        let text = text.trim();
        let read = || {
            if text.chars().count() > LONGEST {
                return Err(format!("it has at most {LONGEST} characters"));
            }
            let (regular, jitter) = match text.split_once(" jitter ") {
                Some((regular, jitter)) => (regular.trim(), Some(read_jitter(jitter)?)),
                None => (text, None),
            };
            let meaning = match regular.strip_prefix("every ") {
                Some(span) => Meaning::Every(read_every(span)?),
                None => Meaning::Calendar(Calendar::read(expand(regular)?, steps)?),
            };
            Ok(Self { text: text.to_owned(), meaning, jitter })
        };
        read().map_err(|fault| ExpressionError { text: text.to_owned(), fault })
    }

    /// The first due moment later than `after` of the schedule of this name; `None` when there is none before
    /// the year 2100. Without jitter the name makes no difference.
    ///
    /// A span is counted from 1970-01-01 in UTC, so that every clock comes to the same moments.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: &Zone, name: &str) -> Option<DateTime<Utc>> {
        match self.jitter {
            None => self.next_regular(after, zone),
            Some(jitter) => jitter::next_after(after, name, jitter, |after| self.next_regular(after, zone)),
        }
    }

    /// What to say of a firing near a change of clocks.
    #[must_use]
    pub fn note(&self, at: DateTime<Utc>, zone: &Zone) -> Option<Note> {
        match &self.meaning {
            Meaning::Every(_) => None,
            Meaning::Calendar(calendar) => note::note(calendar, at, zone),
        }
    }

    fn next_regular(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        match &self.meaning {
            Meaning::Every(span) => {
                let (span, after) = (span.num_milliseconds(), after.timestamp_millis());
                DateTime::from_timestamp_millis((after.div_euclid(span) + 1).checked_mul(span)?)
            }
            Meaning::Calendar(calendar) => zoned::next_after(calendar, after, zone),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn expand(text: &str) -> Result<&str, String> {
    match text {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        other if other.starts_with('@') => Err("use @hourly, @daily, @weekly, @monthly, @yearly".to_owned()),
        fields => Ok(fields),
    }
}

/// Below this, firing takes longer than the time between.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(10);

fn read_every(text: &str) -> Result<TimeDelta, String> {
    let span = span::read(text)?;
    (span >= SHORTEST).then_some(span).ok_or_else(|| "a span lasts from 10 ms to 366 d".to_owned())
}

fn read_jitter(text: &str) -> Result<TimeDelta, String> {
    let span = span::read(text)?;
    (span <= jitter::WIDEST).then_some(span).ok_or_else(|| "a jitter lasts at most 24 h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let expression: Expression = expression.parse().unwrap();
        let next = expression.next_after(after.parse().unwrap(), &Zone::utc(), "a").unwrap();
        next.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }

    #[test]
    fn the_next_moment_is_always_later() {
        assert_eq!(next("17 3 * * *", "2026-11-23T03:17:00Z"), "2026-11-24T03:17:00Z");
        assert_eq!(next("17 3 * * *", "2026-11-23T03:16:59.999Z"), "2026-11-23T03:17:00Z");
        assert_eq!(next("* * * * * *", "2026-11-23T03:17:00.5Z"), "2026-11-23T03:17:01Z");
        assert_eq!(next("@weekly", "2026-11-23T00:00:00Z"), "2026-11-29T00:00:00Z");
        assert_eq!(next("0 0 29 2 *", "2026-11-23T00:00:00Z"), "2028-02-29T00:00:00Z");
        assert_eq!(next("0 0 13 * 5", "2026-11-01T00:00:00Z"), "2026-11-06T00:00:00Z");
    }

    #[test]
    fn a_span_is_counted_from_the_epoch() {
        assert_eq!(next("every 10 s", "2026-11-23T00:00:00Z"), "2026-11-23T00:00:10Z");
        assert_eq!(next("every 10s", "2026-11-23T00:00:09.999Z"), "2026-11-23T00:00:10Z");
        assert_eq!(next("every 50 ms", "2026-11-23T00:00:00.020Z"), "2026-11-23T00:00:00.050Z");
        assert_eq!(next("every 1 d", "1969-12-30T12:00:00Z"), "1969-12-31T00:00:00Z");
    }

    #[test]
    fn what_never_comes_or_is_unknown_is_refused() {
        for (text, expected) in [
            ("0 0 30 2 *", "that day never comes"),
            ("@reboot", "use @hourly"),
            ("every 0 s", "lasts from 1 ms"),
            ("every 5 ms", "lasts from 10 ms"),
            ("every 99999999999999999 d", "lasts from 1 ms"),
            ("every 10 parsecs", "a number with ms, s"),
            ("every -1 s", "a number with ms, s"),
            ("@daily jitter 25 h", "at most 24 h"),
            ("@daily jitter", "use @hourly"),
            ("", "0 fields"),
        ] {
            let error = text.parse::<Expression>().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
