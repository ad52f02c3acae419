//! Any `timestamptz`.

use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::{Nullable, Timestamptz},
};
use serde::{Serialize, Serializer};

/// A moment as Postgres has it: microseconds from 2000-01-01, at both ends infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromSqlRow)]
pub struct Moment(i64);

/// 2000-01-01 in microseconds of Unix time.
const EPOCH: i64 = 946_684_800_000_000;

impl Moment {
    /// Earlier than every other.
    pub const INFINITE_PAST: Self = Self(i64::MIN);
    /// Later than every other.
    pub const INFINITE_FUTURE: Self = Self(i64::MAX);

    /// The moment itself; `None` when it is infinite, or further away than chrono reaches.
    #[must_use]
    pub fn exact(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0.checked_add(EPOCH)?)
    }

    /// The moment, or the one next to it in the years 1 to 9999: what can be shown everywhere and reckoned with.
    #[must_use]
    pub fn nearest(self) -> DateTime<Utc> {
        let (first, last) = bounds();
        match self.exact() {
            Some(at) => at.clamp(first, last),
            None if self.0 < 0 => first,
            None => last,
        }
    }
}

/// The first second of the year 1, and the last of 9999.
fn bounds() -> (DateTime<Utc>, DateTime<Utc>) {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
    (at(-62_135_596_800), at(253_402_300_799))
}

impl FromSql<Timestamptz, Pg> for Moment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(i64::from_be_bytes(value.as_bytes().try_into()?)))
    }
}

/// Any `timestamptz` that may be NULL, for `deserialize_as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub struct OptionalMoment(pub Option<Moment>);

impl FromSql<Nullable<Timestamptz>, Pg> for OptionalMoment {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Moment::from_sql(value).map(|moment| Self(Some(moment)))
    }

    fn from_nullable_sql(value: Option<PgValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(Self(None)), Self::from_sql)
    }
}

impl From<OptionalMoment> for Option<DateTime<Utc>> {
    fn from(moment: OptionalMoment) -> Self {
        moment.0.map(Moment::nearest)
    }
}

impl From<Moment> for DateTime<Utc> {
    /// [`Moment::nearest`]
    fn from(moment: Moment) -> Self {
        moment.nearest()
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        let since = at - (DateTime::UNIX_EPOCH + TimeDelta::microseconds(EPOCH));
        Self(since.num_microseconds().unwrap_or(if since < TimeDelta::zero() { i64::MIN } else { i64::MAX }))
    }
}

impl fmt::Display for Moment {
    /// As Postgres writes the ends: `infinity`, `-infinity`; else as RFC 3339.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.exact()) {
            (Self::INFINITE_PAST, _) => f.write_str("-infinity"),
            (Self::INFINITE_FUTURE, _) => f.write_str("infinity"),
            (_, Some(at)) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            (_, None) => f.write_str("after the year 262142"),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_shown_and_can_be_reckoned_with() {
        for (raw, shown) in [
            (i64::MIN, "-infinity"),
            (i64::MAX, "infinity"),
            (0, "2000-01-01T00:00:00Z"),
            (500_000, "2000-01-01T00:00:00.500Z"),
            (i64::MAX - 1, "after the year 262142"),
            (9_223_371_331_200_000_000 - 1, "after the year 262142"),
        ] {
            let moment = Moment(raw);
            assert_eq!(moment.to_string(), shown);
            let nearest = moment.nearest();
            // Neither end of the line is passed by a day more or less.
            assert!(nearest + TimeDelta::days(1) > nearest && nearest - TimeDelta::days(1) < nearest);
            assert_eq!(nearest.to_rfc3339().len(), if raw == 500_000 { 29 } else { 25 });
        }
        let now = DateTime::from_timestamp_micros(1_795_975_453_123_456).unwrap();
        assert_eq!(Moment::from(now).exact(), Some(now));
        assert_eq!(Moment::from(DateTime::<Utc>::MAX_UTC).nearest().format("%Y").to_string(), "9999");
    }
}
