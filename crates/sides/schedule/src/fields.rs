//! The fields of a cron expression, read strictly and written so that the `cron` crate cannot misread them.
//!
//! That crate counts weekdays from 1 for Sunday, refuses 0, and takes more notations than POSIX. Here each
//! field becomes its full set of values first: what is left to read is a list of plain numbers.

use std::{collections::BTreeSet, fmt::Write as _};

/// What one field may hold.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 6] = [
    Field { name: "second", low: 0, high: 59, names: &[] },
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: &MONTHS },
    // 0 and 7 are both Sunday.
    Field { name: "weekday", low: 0, high: 7, names: &WEEKDAYS },
];

/// Six fields: the sets they stand for, and which were left open with a `*`.
pub(crate) struct Fields {
    sets: [BTreeSet<u32>; 6],
    open: [bool; 6],
}

impl Fields {
    /// Reads five fields, or six with seconds in front. The error says which field is wrong and why.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = match words.len() {
            5 => [&["0"][..], &words].concat(),
            6 => words,
            count => {
                return Err(format!(
                    "{count} fields; give five (minute hour day month weekday), or six with seconds in front"
                ));
            }
        };
        let mut fields = Self { sets: Default::default(), open: [false; 6] };
        for (index, (field, word)) in FIELDS.iter().zip(words).enumerate() {
            fields.sets[index] = field.read(word).map_err(|fault| format!("{} {fault}", field.name))?;
            fields.open[index] = word.starts_with('*');
        }
        Ok(fields)
    }

    /// Whether the hours are named one by one: such a time means the reading of the clock on the wall.
    pub(crate) fn has_fixed_hours(&self) -> bool {
        !self.open[2]
    }

    /// The same in the `cron` crate's notation. A day of month and a weekday are one condition *or* the other,
    /// so they become two expressions.
    pub(crate) fn notations(&self) -> Vec<String> {
        let every_day = self.open[3] || self.open[5];
        if every_day {
            return vec![self.notation([true, true])];
        }
        vec![self.notation([true, false]), self.notation([false, true])]
    }

    fn notation(&self, days: [bool; 2]) -> String {
        let used = [true, true, true, days[0], true, days[1]];
        let mut text = String::new();
        for (index, (set, field)) in self.sets.iter().zip(&FIELDS).enumerate() {
            let weekday = index == 5;
            let all = if weekday { 7 } else { (field.high - field.low + 1) as usize };
            let separator = if index == 0 { "" } else { " " };
            if !used[index] || set.len() == all {
                text.push_str(separator);
                text.push('*');
                continue;
            }
            for (position, value) in set.iter().enumerate() {
                let separator = if position == 0 { separator } else { "," };
                let value = if weekday { value + 1 } else { *value };
                write!(text, "{separator}{value}").expect("a String takes any text");
            }
        }
        text
    }
}

impl Field {
    fn read(&self, word: &str) -> Result<BTreeSet<u32>, String> {
        let mut set = BTreeSet::new();
        for part in word.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (low, high) = match range.split_once('-') {
                _ if range == "*" => (self.low, self.high),
                Some((low, high)) => (self.value(low)?, self.value(high)?),
                None if step.is_some() => {
                    return Err(format!("{part:?}: a step needs a range or * in front of it"));
                }
                None => self.value(range).map(|value| (value, value))?,
            };
            if low > high {
                return Err(format!("{range:?} runs backwards"));
            }
            let step = match step.map(str::parse::<usize>) {
                None => 1,
                Some(Ok(step)) if step > 0 => step,
                Some(_) => return Err(format!("{part:?}: the step is a number from 1 on")),
            };
            set.extend((low..=high).step_by(step).map(|value| self.fold_sunday(value)));
        }
        Ok(set)
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        if let Some(index) = self.names.iter().position(|name| *name == lower) {
            return Ok(u32::try_from(index).expect("twelve names at most") + u32::from(self.high == 12));
        }
        match text.parse() {
            Ok(value) if (self.low..=self.high).contains(&value) => Ok(value),
            _ => Err(format!("{text:?} is not within {} to {}", self.low, self.high)),
        }
    }

    fn fold_sunday(&self, value: u32) -> u32 {
        if self.high == 7 { value % 7 } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notations(text: &str) -> Vec<String> {
        Fields::read(text).unwrap().notations()
    }

    #[test]
    fn weekdays_are_counted_as_posix_does() {
        assert_eq!(notations("0 9 * * 1-5"), ["0 0 9 * * 2,3,4,5,6"]);
        assert_eq!(notations("0 9 * * 0"), ["0 0 9 * * 1"]);
        assert_eq!(notations("0 9 * * 7"), ["0 0 9 * * 1"]);
        assert_eq!(notations("0 9 * * fri-7"), ["0 0 9 * * 1,6,7"]);
        assert_eq!(notations("0 9 * * 0-7"), ["0 0 9 * * *"]);
    }

    #[test]
    fn seconds_steps_lists_and_names_are_sets() {
        assert_eq!(notations("*/20 0 0 1 1 *"), ["0,20,40 0 0 1 1 *"]);
        assert_eq!(notations("5-20/5,50 * * JAN,dec *"), ["0 5,10,15,20,50 * * 1,12 *"]);
    }

    #[test]
    fn a_day_and_a_weekday_are_alternatives() {
        assert_eq!(notations("0 0 13 * 5"), ["0 0 0 13 * *", "0 0 0 * * 6"]);
        assert_eq!(notations("0 0 */2 * 5").len(), 1, "a star in front leaves the day open");
    }

    #[test]
    fn each_fault_names_its_field() {
        for (text, expected) in [
            ("* * * *", "4 fields"),
            ("61 * * * *", "minute \"61\" is not within 0 to 59"),
            ("* 24 * * *", "hour \"24\""),
            ("* * 0 * *", "day of month \"0\""),
            ("* * L * *", "day of month \"L\""),
            ("* * * 13 *", "month \"13\""),
            ("* * * * 8", "weekday \"8\""),
            ("* * * * mon#2", "weekday \"mon#2\""),
            ("* * ? * *", "day of month \"?\""),
            ("5/15 * * * *", "minute \"5/15\": a step needs a range"),
            ("*/0 * * * *", "minute \"*/0\": the step"),
            ("30-10 * * * *", "minute \"30-10\" runs backwards"),
            ("1,,2 * * * *", "minute \"\""),
            ("0 0 1 1 * 2026 *", "7 fields"),
        ] {
            let fault = Fields::read(text).map(|_| ()).unwrap_err();
            assert!(fault.starts_with(expected), "{text}: {fault}");
        }
    }
}
