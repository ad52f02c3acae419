//! Local times at which something is due.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::{
    days::Day,
    fields::{Fields, LongSteps},
};

/// The readings at which something is due, in no zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    alternatives: Vec<Alternative>,
    /// Whether hours are named one by one; see [`crate::zoned`].
    pub(crate) fixed: bool,
}

#[derive(Debug, Clone)]
struct Alternative {
    readings: cron::Schedule,
    /// What the day must be besides.
    day: Option<Day>,
}

impl Calendar {
    /// Reads five or six fields. The error says what is wrong with them.
    pub(crate) fn read(text: &str, steps: LongSteps) -> Result<Self, String> {
        let fields = Fields::read(text, steps)?;
        let alternatives: Result<Vec<Alternative>, cron::error::Error> = fields
            .notations()
            .into_iter()
            .map(|one| Ok(Alternative { readings: one.text.parse()?, day: one.day }))
            .collect();
        let alternatives = alternatives.map_err(|error| error.to_string())?;
        let calendar = Self { alternatives, fixed: fields.has_fixed_hours() };
        let from = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
        let comes = calendar.next_reading(from).is_some();
        comes.then_some(calendar).ok_or_else(|| "that day never comes".to_owned())
    }

    /// The first matching reading later than `after`.
    pub(crate) fn next_reading(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.alternatives.iter().filter_map(|one| one.next_reading(after)).min()
    }
}

impl Alternative {
    fn next_reading(&self, mut after: NaiveDateTime) -> Option<NaiveDateTime> {
        loop {
            // As UTC a reading is never missing or double, and the crate has no zone to go wrong about.
            let next = self.readings.after(&after.and_utc()).next()?.naive_utc();
            if self.day.is_none_or(|day| day.is(next.date())) {
                return Some(next);
            }
            let tomorrow = next.date().checked_add_days(Days::new(1))?;
            after = tomorrow.and_time(NaiveTime::MIN) - TimeDelta::seconds(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_no_numbers_come_with_their_times() {
        let next = |text: &str, count: usize| {
            let calendar = Calendar::read(text, LongSteps::Refused).unwrap();
            let mut after: NaiveDateTime = "2026-01-01T00:00:00".parse().unwrap();
            let mut all = Vec::new();
            for _ in 0..count {
                after = calendar.next_reading(after).unwrap();
                all.push(after.format("%m-%dT%H:%M").to_string());
            }
            all
        };
        assert_eq!(next("0 9,17 L * *", 3), ["01-31T09:00", "01-31T17:00", "02-28T09:00"]);
        assert_eq!(next("0 0 1,L * *", 3), ["01-31T00:00", "02-01T00:00", "02-28T00:00"]);
        assert_eq!(next("0 0 15W 2,8 *", 2), ["02-16T00:00", "08-14T00:00"]);
        assert_eq!(next("0 0 * * fri#1,5L", 3), ["01-02T00:00", "01-30T00:00", "02-06T00:00"]);
        assert_eq!(
            next("0 0 L * mon#1", 3),
            ["01-05T00:00", "01-31T00:00", "02-02T00:00"],
            "one or the other"
        );
        assert_eq!(next("* * * * * 0#5", 1), ["03-29T00:00"]);
        let never = Calendar::read("0 0 31W 2 *", LongSteps::Refused).map(|_| ()).unwrap_err();
        assert_eq!(never, "that day never comes");
        assert!(Calendar::read("0 0 * 2 0#5", LongSteps::Refused).is_ok(), "every 28 years");
    }
}
