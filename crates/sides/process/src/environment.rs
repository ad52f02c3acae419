//! Configuration from the environment, with all errors found before the first is reported.

use std::{
    collections::HashMap,
    ffi::OsString,
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use crate::Secret;

/// Reads variables and collects what is wrong with them.
///
/// A reader always returns a value: the default stands in for a faulty one, so that reading goes on and all
/// faults are known at once. [`crate::Definition::run`] starts nothing when there is one. An empty variable counts as
/// unset.
#[derive(Debug, Default)]
pub struct Environment {
    values: HashMap<OsString, OsString>,
    faults: Vec<Fault>,
    asked: Vec<Asked>,
}

/// What is wrong with one variable and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.message)
    }
}

/// A variable that was asked for: what `--help` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) default: String,
    pub(crate) about: String,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self { values: std::env::vars_os().collect(), ..Self::default() }
    }

    /// A text.
    pub fn text(&mut self, name: &str, default: &str) -> String {
        self.ask(name, default);
        self.value(name).unwrap_or_else(|| default.to_owned())
    }

    /// A text that may be missing.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.ask(name, "unset");
        self.value(name)
    }

    /// A secret that may be missing.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        self.ask(name, "unset, secret");
        self.value(name).map(Secret::new)
    }

    /// A number within a range.
    pub fn number<T>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        self.ask(name, default);
        let Some(text) = self.value(name) else { return default };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.fault(name, format!("is {text:?}: give a number from {low} to {high}"));
                default
            }
        }
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        self.ask(name, default);
        let Some(text) = self.value(name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.fault(name, format!("is {text:?}: give true or false"));
                default
            }
        }
    }

    /// A time in whole seconds, the default and the range in seconds too.
    pub fn seconds(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, default, range))
    }

    /// Anything that can be read from a text. A fault shows the error and not the text, which may be secret.
    pub fn parsed<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr + Display,
        T::Err: Display,
    {
        self.ask(name, &default);
        self.parse(name).unwrap_or(default)
    }

    /// Anything that can be read from a text and may be missing. A fault shows the error and not the text.
    pub fn optional_parsed<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.ask(name, "unset");
        self.parse(name)
    }

    /// A value without which nothing works; `next_step` says how to give it. `None` leaves a fault behind.
    pub fn required<T>(&mut self, name: &str, next_step: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.ask(name, "required");
        let before = self.faults.len();
        let parsed = self.parse(name);
        if parsed.is_none() && self.faults.len() == before {
            self.fault(name, format!("is not set: {next_step}"));
        }
        parsed
    }

    /// Says in `--help` what a variable is for. Call it beside the reader.
    pub fn about(&mut self, name: &str, about: impl Into<String>) {
        if let Some(asked) = self.asked.iter_mut().find(|asked| asked.name == name) {
            asked.about = about.into();
        }
    }

    /// Notes a fault: what is wrong with the variable and what to do.
    pub fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push(Fault { name: name.to_owned(), message: message.into() });
    }

    /// The faults found so far.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(crate) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Whether the variable is set to something.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.values.get(&OsString::from(name)).is_some_and(|value| !value.is_empty())
    }

    fn parse<T>(&mut self, name: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.value(name)?;
        text.parse().map_err(|error| self.fault(name, format!("{error}"))).ok()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let Ok(text) = self.values.get(&OsString::from(name))?.clone().into_string() else {
            self.fault(name, "is not valid UTF-8");
            return None;
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn ask(&mut self, name: &str, default: impl Display) {
        if self.asked.iter().all(|asked| asked.name != name) {
            self.asked.push(Asked {
                name: name.to_owned(),
                default: default.to_string(),
                about: String::new(),
            });
        }
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn defaults_stand_in_for_what_is_unset_or_empty() {
        let mut environment: Environment = [("HOST", ""), ("PORT", "  ")].into_iter().collect();
        assert_eq!(environment.text("HOST", "127.0.0.1"), "127.0.0.1");
        assert_eq!(environment.number("PORT", 3000_u16, 1..=65535), 3000);
        assert!(environment.flag("ON", true));
        assert_eq!(environment.seconds("WAIT", 25, 0..=60), Duration::from_secs(25));
        assert_eq!(environment.secret("TOKEN"), None);
        assert_eq!(environment.faults(), []);
    }

    #[test]
    fn every_fault_is_found_and_named() {
        let pairs = [("PORT", "70000"), ("ON", "maybe"), ("WAIT", "-1"), ("AT", "x"), ("GOOD", " 7 ")];
        let mut environment: Environment = pairs.into_iter().collect();
        environment.number("PORT", 3000_u16, 1..=65535);
        environment.flag("ON", false);
        environment.seconds("WAIT", 25, 0..=60);
        environment.parsed("AT", 1_u8);
        let none: Option<u8> = environment.required("NEEDED", "set it to 1");
        assert_eq!(environment.number("GOOD", 1, 1..=9), 7);
        assert_eq!(none, None);
        let names: Vec<&str> = environment.faults().iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names, ["PORT", "ON", "WAIT", "AT", "NEEDED"]);
        assert_eq!(environment.faults()[0].to_string(), "PORT is \"70000\": give a number from 1 to 65535");
        assert_eq!(environment.faults()[4].to_string(), "NEEDED is not set: set it to 1");
    }

    #[test]
    fn a_parsed_value_is_not_repeated_in_its_fault() {
        let pairs = [("DATABASE_URL", "s3cret")];
        let mut environment: Environment = pairs.into_iter().collect();
        let url: Option<database::DatabaseUrl> = environment.required("DATABASE_URL", "set it");
        assert!(url.is_none());
        assert_eq!(environment.faults().len(), 1, "one fault, not also 'is not set'");
        assert!(!environment.faults()[0].message.contains("s3cret"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault() {
        let pairs = [(OsString::from("HOST"), OsString::from_vec(vec![0xff]))];
        let mut environment: Environment = pairs.into_iter().collect();
        assert_eq!(environment.text("HOST", "127.0.0.1"), "127.0.0.1");
        assert_eq!(environment.faults()[0].to_string(), "HOST is not valid UTF-8");
    }
}
