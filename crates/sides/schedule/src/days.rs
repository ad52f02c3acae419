//! Days that no list of numbers can express: the last one, the third Friday, the working day nearest to the 15th.
//!
//! `L`, `L-3`, `LW` and `15W` stand in the day of month, `5L` (or `friL`) and `5#3` in the weekday, as other crons have
//! them.

use chrono::{Datelike as _, NaiveDate, Weekday};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    /// So many days before the last one of the month.
    FromEnd(u32),
    /// The last Monday to Friday of the month.
    LastWorking,
    /// The Monday to Friday nearest to this day, within the same month.
    Working(u32),
    /// The last such weekday of the month; Sunday is 0.
    LastWeekday(u32),
    /// The first, second … such weekday of the month.
    NthWeekday(u32, u32),
}

impl Day {
    /// Reads what a day of month says beside numbers; `None` when it says none of this.
    pub(crate) fn of_month(word: &str) -> Option<Result<Self, String>> {
        let upper = word.to_ascii_uppercase();
        let number =
            |text: &str, from: u32, to: u32| text.parse().ok().filter(|day| (from..=to).contains(day));
        let read = match upper.as_str() {
            "L" => Some(Self::FromEnd(0)),
            "LW" | "WL" => Some(Self::LastWorking),
            other => match (other.strip_prefix("L-"), other.strip_suffix('W')) {
                (Some(days), _) => number(days, 1, 30).map(Self::FromEnd),
                (None, Some(day)) => number(day, 1, 31).map(Self::Working),
                (None, None) => return None,
            },
        };
        Some(read.ok_or_else(|| format!("{word:?}: write L, L-3, LW or 15W")))
    }

    /// Reads what a weekday says beside numbers and names; `weekday` reads one of those.
    pub(crate) fn of_week(
        word: &str,
        weekday: impl Fn(&str) -> Result<u32, String>,
    ) -> Option<Result<Self, String>> {
        if let Some((day, nth)) = word.split_once('#') {
            let read = |day: &str| match (weekday(day)?, nth) {
                (day, "L" | "l") => Ok(Self::LastWeekday(day)),
                (day, nth) => match nth.parse() {
                    Ok(nth) if (1..=5).contains(&nth) => Ok(Self::NthWeekday(day, nth)),
                    _ => Err(format!("{word:?}: after # write 1 to 5, or L for the last")),
                },
            };
            return Some(read(day));
        }
        match word.strip_suffix(['L', 'l'])? {
            "" => Some(Err(format!(
                "{word:?}: the last of which weekday? Write 5L for the last Friday of the month"
            ))),
            day => Some(weekday(day).map(Self::LastWeekday)),
        }
    }

    /// Whether this is such a day.
    pub(crate) fn is(self, date: NaiveDate) -> bool {
        let last = u32::from(date.num_days_in_month());
        let day = date.day();
        let weekday = date.weekday().num_days_from_sunday();
        match self {
            Self::FromEnd(days) => day + days == last,
            Self::LastWorking => is_nearest_working(date, last),
            Self::Working(wanted) => wanted <= last && is_nearest_working(date, wanted),
            Self::LastWeekday(wanted) => weekday == wanted && day + 7 > last,
            Self::NthWeekday(wanted, nth) => weekday == wanted && day.div_ceil(7) == nth,
        }
    }
}

fn is_nearest_working(date: NaiveDate, wanted: u32) -> bool {
    let last = u32::from(date.num_days_in_month());
    let nearest = match date.with_day(wanted).map(|day| day.weekday()) {
        Some(Weekday::Sat) if wanted == 1 => 3,
        Some(Weekday::Sat) => wanted - 1,
        Some(Weekday::Sun) if wanted == last => wanted - 2,
        Some(Weekday::Sun) => wanted + 1,
        _ => wanted,
    };
    date.day() == nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days of 2026 from this month on that are such a day.
    fn days(day: Day, count: usize) -> Vec<String> {
        let from = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        from.iter_days()
            .filter(|date| day.is(*date))
            .take(count)
            .map(|date| date.format("%m-%d").to_string())
            .collect()
    }

    #[test]
    fn each_is_the_day_that_other_crons_mean() {
        assert_eq!(days(Day::FromEnd(0), 3), ["01-31", "02-28", "03-31"]);
        assert_eq!(days(Day::FromEnd(3), 2), ["01-28", "02-25"]);
        // 2026-01-31 and 2026-02-28 are Saturdays, 2026-05-31 is a Sunday.
        assert_eq!(days(Day::LastWorking, 5), ["01-30", "02-27", "03-31", "04-30", "05-29"]);
        // 2026-02-15 and 2026-03-15 are Sundays, 2026-08-15 is a Saturday; 2026-02-01 is a Sunday, 2026-08-01 a Saturday.
        assert_eq!(
            days(Day::Working(15), 8)[1..],
            ["02-16", "03-16", "04-15", "05-15", "06-15", "07-15", "08-14"]
        );
        assert_eq!(
            days(Day::Working(1), 8)[1..],
            ["02-02", "03-02", "04-01", "05-01", "06-01", "07-01", "08-03"]
        );
        assert_eq!(days(Day::Working(31), 3), ["01-30", "03-31", "05-29"]);
        assert_eq!(days(Day::LastWeekday(5), 3), ["01-30", "02-27", "03-27"]);
        assert_eq!(days(Day::NthWeekday(5, 3), 3), ["01-16", "02-20", "03-20"]);
        assert_eq!(days(Day::NthWeekday(0, 5), 2), ["03-29", "05-31"]);
    }
}
