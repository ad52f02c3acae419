//! When a schedule is due: `17 3 * * *`, `0 */5 * * * *`, `@hourly`, `every 10 s`.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{fields::Fields, zoned};

/// A validated expression. `Display` shows it as it was written.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    meaning: Meaning,
}

#[derive(Debug, Clone)]
enum Meaning {
    Every(TimeDelta),
    Calendar(Calendar),
}

/// Readings of the clock on the wall.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    alternatives: Vec<cron::Schedule>,
    /// Whether hours are named one by one; see [`zoned`].
    pub(crate) fixed: bool,
}

/// Why a text is no expression.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is no schedule: {fault}")]
pub struct ExpressionError {
    text: String,
    fault: String,
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        let meaning = match text.trim().strip_prefix("every ") {
            Some(span) => read_span(span).map(Meaning::Every),
            None => expand(text.trim()).and_then(read_calendar).map(Meaning::Calendar),
        };
        let text = text.trim().to_owned();
        match meaning {
            Ok(meaning) => Ok(Self { text, meaning }),
            Err(fault) => Err(ExpressionError { text, fault }),
        }
    }
}

impl Expression {
    /// The first due moment later than `after`; `None` when there is none before the year 2100.
    ///
    /// A span is counted from 1970-01-01 in UTC, so that every clock comes to the same moments.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match &self.meaning {
            Meaning::Every(span) => {
                let (span, after) = (span.num_milliseconds(), after.timestamp_millis());
                DateTime::from_timestamp_millis((after.div_euclid(span) + 1).checked_mul(span)?)
            }
            Meaning::Calendar(calendar) => zoned::next_after(calendar, after, zone),
        }
    }
}

impl Calendar {
    /// The first matching reading later than `after`.
    pub(crate) fn next_reading(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        // As UTC a reading is never missing or double, and the crate has no zone to go wrong about.
        let after = after.and_utc();
        let next = self.alternatives.iter().filter_map(|one| one.after(&after).next()).min()?;
        Some(next.naive_utc())
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
        other if other.starts_with('@') => {
            Err("known are @hourly, @daily, @weekly, @monthly, @yearly".to_owned())
        }
        fields => Ok(fields),
    }
}

fn read_calendar(text: &str) -> Result<Calendar, String> {
    let fields = Fields::read(text)?;
    let alternatives: Result<Vec<cron::Schedule>, _> =
        fields.notations().iter().map(|one| one.parse()).collect();
    let alternatives = alternatives.map_err(|error| error.to_string())?;
    let calendar = Calendar { alternatives, fixed: fields.has_fixed_hours() };
    let from = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
    calendar.next_reading(from).is_some().then_some(calendar).ok_or_else(|| "that day never comes".to_owned())
}

fn read_span(text: &str) -> Result<TimeDelta, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("a span is a number and ms, s, min, h or d, as in every 10 s".to_owned()),
    };
    let span = count.parse::<i64>().ok().and_then(|count| count.checked_mul(unit_ms));
    match span {
        Some(span) if (10..=366 * 86_400_000).contains(&span) => Ok(TimeDelta::milliseconds(span)),
        _ => Err("a span lasts from 10 ms to 366 d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let expression: Expression = expression.parse().unwrap();
        let next = expression.next_after(after.parse().unwrap(), Tz::UTC).unwrap();
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
            ("@reboot", "known are @hourly"),
            ("every 0 s", "lasts from 10 ms"),
            ("every 99999999999999999 d", "lasts from 10 ms"),
            ("every 10 parsecs", "a number and ms, s"),
            ("every -1 s", "a number and ms, s"),
            ("", "0 fields"),
        ] {
            let error = text.parse::<Expression>().map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
