//! A time zone with current rules.

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use jiff::{
    Timestamp, civil,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::{quoted, rules::Rules};

/// A named zone with its rules. Two are equal when their clocks always show the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

/// Why a text names no zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no zone {}: {advice}", quoted(name))]
pub struct ZoneError {
    name: String,
    advice: String,
}

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }

    /// Its name, such as `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same zone by the rules that are current now; by those it has where there are none of its name any more.
    #[must_use]
    pub fn refreshed(&self) -> Self {
        self.name.parse().unwrap_or_else(|_| self.clone())
    }

    /// What its clocks show at a moment.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        let seconds = self.rules.to_offset(timestamp(at)).seconds();
        // No zone is a day away from UTC.
        FixedOffset::east_opt(seconds).map_or_else(|| at.fixed_offset(), |offset| at.with_timezone(&offset))
    }

    pub(crate) fn offset_at(&self, at: DateTime<Utc>) -> TimeDelta {
        TimeDelta::seconds(self.rules.to_offset(timestamp(at)).seconds().into())
    }

    /// The moments after this one at which the clocks change, or only what they are called, each with its offset.
    pub(crate) fn seams(&self, after: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, TimeDelta)> {
        let seams = self.rules.following(timestamp(after));
        seams.filter_map(|seam| {
            let at = DateTime::from_timestamp(seam.timestamp().as_second(), 0)?;
            Some((at, TimeDelta::seconds(seam.offset().seconds().into())))
        })
    }

    /// The first of the two moments at which the clocks show this reading; `None` where they show it once or never.
    pub(crate) fn first_of_two(&self, reading: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.rules.to_ambiguous_timestamp(civil(reading)?).offset() {
            AmbiguousOffset::Fold { before, .. } => {
                Some(reading.and_utc() - TimeDelta::seconds(before.seconds().into()))
            }
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => None,
        }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        if name == "UTC" {
            return Ok(Self::utc());
        }
        let rules = Rules::current();
        let found = rules.zone(name);
        found.map(|(name, rules)| Self { name: name.into(), rules }).ok_or_else(|| ZoneError {
            name: name.to_owned(),
            advice: match rules.nearest(name) {
                Some(near) => format!("did you mean {near}?"),
                None => "give one like UTC or Europe/Berlin".to_owned(),
            },
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The library ends with the year 9999, and so do the rules.
fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let end = if at < DateTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(at.timestamp()).unwrap_or(end)
}

fn civil(reading: NaiveDateTime) -> Option<civil::DateTime> {
    let small = |value: u32| i8::try_from(value).ok();
    let (year, month, day) =
        (i16::try_from(reading.year()).ok()?, small(reading.month())?, small(reading.day())?);
    let (hour, minute, second) = (small(reading.hour())?, small(reading.minute())?, small(reading.second())?);
    civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_zone_gets_the_nearest_name() {
        let said = |name: &str| name.parse::<Zone>().unwrap_err().to_string();
        assert_eq!(said("Europe/Berln"), "there is no zone \"Europe/Berln\": did you mean Europe/Berlin?");
        assert_eq!(said("Berlin"), "there is no zone \"Berlin\": did you mean Europe/Berlin?");
        // Anyone who stores one must not keep a clock busy.
        let begun = std::time::Instant::now();
        let long = "long ".repeat(200_000).parse::<Zone>().unwrap_err().to_string();
        assert!(long.len() < 200 && begun.elapsed().as_secs() < 1, "{long}");
        for name in ["", "nowhere at all", "../../etc/passwd", "\0", "Etc/Unknown"] {
            assert!(name.parse::<Zone>().is_err(), "{name:?}");
        }
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().name(), "Europe/Berlin");
    }

    #[test]
    fn moments_far_away_have_an_offset() {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(zone.offset_at(at).abs() < TimeDelta::hours(24));
        }
        assert_eq!(zone.first_of_two(NaiveDateTime::MAX), None);
    }
}
