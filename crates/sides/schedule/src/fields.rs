//! The fields of a cron expression, read strictly and written so that the `cron` crate cannot misread them.
//!
//! That crate counts weekdays from 1 for Sunday, refuses 0, and takes more notations than POSIX. Here each
//! field becomes its full set of values first: what is left to read is a list of plain numbers.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::days::Day;

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

/// The two fields that say a day.
const DAY: usize = 3;
const WEEKDAY: usize = 5;

/// How steps that are longer than what they step through are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongSteps {
    /// As they were taken once: `*/90` is `0`.
    Taken,
    /// With what to write instead.
    Refused,
}

/// Six fields: the sets they stand for, and which hold everything, in whatever way that is written.
pub(crate) struct Fields {
    sets: [BTreeSet<u32>; 6],
    open: [bool; 6],
    /// Days that are not numbers, beside the sets.
    days: Vec<Day>,
    weekdays: Vec<Day>,
}

/// One of the conditions under which a reading matches, in the `cron` crate's notation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    pub(crate) text: String,
    /// What its day must be besides.
    pub(crate) day: Option<Day>,
}

impl Fields {
    /// Reads five fields, or six with seconds in front. The error says which field is wrong and why.
    pub(crate) fn read(text: &str, steps: LongSteps) -> Result<Self, String> {
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
        let mut fields =
            Self { sets: Default::default(), open: [false; 6], days: Vec::new(), weekdays: Vec::new() };
        for (index, (field, word)) in FIELDS.iter().zip(words).enumerate() {
            for part in word.split(',') {
                let fault = |fault| format!("{} {fault}", field.name);
                let (day, found) = match index {
                    DAY => (Day::of_month(part), &mut fields.days),
                    WEEKDAY => {
                        let weekday = |text: &str| field.value(text).map(|value| field.fold_sunday(value));
                        (Day::of_week(part, weekday), &mut fields.weekdays)
                    }
                    _ => (None, &mut fields.days),
                };
                match day {
                    Some(day) => {
                        let day = day.map_err(fault)?;
                        if !found.contains(&day) {
                            found.push(day);
                        }
                    }
                    None => fields.sets[index].extend(field.read(part, steps).map_err(fault)?),
                }
                // An hour in every so many is no hour by its name, whether it says * or 0-23.
                fields.open[index] |= part.starts_with('*') || index == 2 && part.starts_with("0-23");
            }
            fields.open[index] |= fields.sets[index].len() == field.count();
        }
        Ok(fields)
    }

    /// Whether the hours are named one by one: such a time means the reading of the clock on the wall.
    pub(crate) fn has_fixed_hours(&self) -> bool {
        !self.open[2]
    }

    /// The same in the `cron` crate's notation. A day of month and a weekday are one condition *or* the other,
    /// so they become several expressions.
    pub(crate) fn notations(&self) -> Vec<Notation> {
        let uses = match (self.open[DAY], self.open[WEEKDAY]) {
            // One that holds everything leaves the word to the other; a step in it is a condition besides.
            (true, true) => vec![[true, true]],
            (true, false) | (false, true) if self.days.is_empty() && self.weekdays.is_empty() => {
                return vec![Notation { text: self.notation([true, true]), day: None }];
            }
            (true, false) => vec![[false, true]],
            (false, true) => vec![[true, false]],
            (false, false) => vec![[true, false], [false, true]],
        };
        let mut notations = Vec::new();
        for days in uses {
            let [by_day, by_weekday] = days;
            let is_empty = by_day && self.sets[DAY].is_empty() || by_weekday && self.sets[WEEKDAY].is_empty();
            if !is_empty {
                notations.push(Notation { text: self.notation(days), day: None });
            }
            let special =
                self.days.iter().filter(|_| by_day).chain(self.weekdays.iter().filter(|_| by_weekday));
            notations
                .extend(special.map(|day| Notation { text: self.notation([false, false]), day: Some(*day) }));
        }
        notations
    }

    fn notation(&self, days: [bool; 2]) -> String {
        let used = [true, true, true, days[0], true, days[1]];
        let mut text = String::new();
        for (index, (set, field)) in self.sets.iter().zip(&FIELDS).enumerate() {
            let weekday = index == WEEKDAY;
            let separator = if index == 0 { "" } else { " " };
            if !used[index] || set.len() == field.count() {
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
    /// How many values it has.
    fn count(&self) -> usize {
        if self.high == 7 { 7 } else { (self.high - self.low + 1) as usize }
    }

    fn read(&self, part: &str, steps: LongSteps) -> Result<BTreeSet<u32>, String> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((low, high)) => (self.value(low)?, self.value(high)?),
            None if step.is_some() => {
                return Err(format!(
                    "{part:?}: a step needs a range or * before it: write {range}-{}/{}",
                    self.last(),
                    step.unwrap_or_default()
                ));
            }
            None => self.value(range).map(|value| (value, value))?,
        };
        if low > high {
            return Err(format!("{range:?} runs backwards: write {low}-{},{}-{high}", self.last(), self.low));
        }
        let step = match step.map(str::parse::<usize>) {
            None => 1,
            Some(Ok(step)) if step > 0 => step,
            Some(_) => return Err(format!("{part:?}: the step is a number of at least 1")),
        };
        let is_long = step > 1 && step > (high - low) as usize;
        if is_long && steps == LongSteps::Refused {
            return Err(format!(
                "{part:?}: the step is longer than its range, so {}",
                self.instead(range, low, step)
            ));
        }
        Ok((low..=high).step_by(step).map(|value| self.fold_sunday(value)).collect())
    }

    /// What to write in the place of a step that is longer than what it steps through.
    fn instead(&self, range: &str, low: u32, step: usize) -> String {
        let hours = step / 60;
        match (self.name, step) {
            _ if range != "*" => format!("it matches only {low}: write {low}"),
            ("second", 60) => "write `* * * * *`, which is once a minute".to_owned(),
            ("second", _) => format!("write `every {step} s`"),
            ("minute", 60) => "write `0 * * * *`, which is once an hour".to_owned(),
            ("minute", _) if step.is_multiple_of(60) && hours < 24 => format!("write `0 */{hours} * * *`"),
            ("minute", _) => format!("write `every {step} min`"),
            ("hour", 24) => "write `0 0 * * *`, which is once a day".to_owned(),
            ("hour", _) => format!("write `every {step} h`"),
            ("day of month", _) => format!("write `every {step} d`, or `0 0 1 * *` for once a month"),
            ("month", _) => "write `0 0 1 1 *`, which is once a year".to_owned(),
            _ => "write the weekday, such as `0 0 * * 1`".to_owned(),
        }
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        if let Some(index) = self.names.iter().position(|name| *name == lower) {
            return Ok(u32::try_from(index).expect("twelve names at most") + u32::from(self.high == 12));
        }
        if text == "?" {
            return Err("\"?\" is not taken: write *".to_owned());
        }
        match text.parse() {
            Ok(value) if (self.low..=self.high).contains(&value) => Ok(value),
            _ => Err(format!("{text:?} is not within {} to {}", self.low, self.high)),
        }
    }

    /// The highest value, by its usual number.
    fn last(&self) -> u32 {
        if self.high == 7 { 6 } else { self.high }
    }

    fn fold_sunday(&self, value: u32) -> u32 {
        if self.high == 7 { value % 7 } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Fields, String> {
        Fields::read(text, LongSteps::Refused)
    }

    fn notations(text: &str) -> Vec<String> {
        read(text).unwrap().notations().into_iter().map(|notation| notation.text).collect()
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
            ("* * L-31 * *", "day of month \"L-31\": write L, L-3"),
            ("* * 32W * *", "day of month \"32W\": write L, L-3"),
            ("* L * * *", "hour \"L\""),
            ("* * * 13 *", "month \"13\""),
            ("* * * * 8", "weekday \"8\""),
            ("* * * * mon#6", "weekday \"mon#6\": after #"),
            ("* * * * 9#2", "weekday \"9\""),
            ("* * * * L", "weekday \"L\": the last of which weekday?"),
            ("*/90 * * * *", "minute \"*/90\": the step is longer than its range, so write `every 90 min`"),
            ("*/60 * * * *", "minute \"*/60\": the step is longer than its range, so write `0 * * * *`"),
            ("*/120 * * * *", "minute \"*/120\": the step is longer than its range, so write `0 */2 * * *`"),
            ("*/90 * * * * *", "second \"*/90\": the step is longer than its range, so write `every 90 s`"),
            ("0 */48 * * *", "hour \"*/48\": the step is longer than its range, so write `every 48 h`"),
            (
                "0 0 */40 * *",
                "day of month \"*/40\": the step is longer than its range, so write `every 40 d`",
            ),
            ("0 0 1 */18 *", "month \"*/18\": the step is longer"),
            ("0 0 * * */8", "weekday \"*/8\": the step is longer"),
            (
                "10-20/30 * * * *",
                "minute \"10-20/30\": the step is longer than its range, so it matches only 10: write 10",
            ),
            ("* * ? * *", "day of month \"?\" is not taken: write *"),
            ("5/15 * * * *", "minute \"5/15\": a step needs a range or * before it: write 5-59/15"),
            ("*/0 * * * *", "minute \"*/0\": the step"),
            ("30-10 * * * *", "minute \"30-10\" runs backwards: write 30-59,0-10"),
            ("0 22-2 * * *", "hour \"22-2\" runs backwards: write 22-23,0-2"),
            ("0 0 * * fri-mon", "weekday \"fri-mon\" runs backwards: write 5-6,0-1"),
            ("1,,2 * * * *", "minute \"\""),
            ("0 0 1 1 * 2026 *", "7 fields"),
        ] {
            let fault = read(text).map(|_| ()).unwrap_err();
            assert!(fault.starts_with(expected), "{text}: {fault}");
        }
    }

    #[test]
    fn a_field_that_holds_everything_is_open_however_it_is_written() {
        let all_hours = "0,1,2,3,4,5,6,7,8,9,10,11,12-23";
        for hours in ["*", "*/1", "0-23", "0-23/1", "0-11,12-23", all_hours, "*/2", "0-23/2"] {
            assert!(!read(&format!("*/30 {hours} * * *")).unwrap().has_fixed_hours(), "{hours}");
        }
        for hours in ["0-22", "1-23", "0", "0-22/2"] {
            assert!(read(&format!("*/30 {hours} * * *")).unwrap().has_fixed_hours(), "{hours}");
        }
        for weekdays in ["*", "0-6", "1-7", "0-7", "sun-sat", "mon,tue-sat,0"] {
            assert_eq!(notations(&format!("0 0 13 * {weekdays}")), ["0 0 0 13 * *"], "{weekdays}");
        }
        assert_eq!(notations("0 0 1-31 * 5"), ["0 0 0 * * 6"]);
        assert_eq!(notations("0 0 * 1-12 *"), ["0 0 0 * * *"]);
    }

    #[test]
    fn long_steps_of_before_are_what_they_were() {
        let taken = Fields::read("*/90 * * * *", LongSteps::Taken).unwrap();
        assert_eq!(taken.notations()[0].text, "0 0 * * * *");
    }
}
