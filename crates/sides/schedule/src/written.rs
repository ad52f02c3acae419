//! A schedule as it is typed and stored.

use serde_json::Value;

use crate::{Expression, ExpressionError, PolicyError, Schedule, ScheduleError, ZoneError, quoted, validate};

/// The texts of a schedule, not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// When it is due, such as `17 3 * * *`.
    pub expression: String,
    /// The name of a zone, such as `Europe/Berlin`.
    pub zone: String,
    /// The kind of the job.
    pub kind: String,
    /// The arguments of the job: a JSON object.
    pub arguments: Value,
    /// The version of the kind's contract that the arguments are written in: 1 or more.
    pub version: i16,
    /// A [`crate::Missed`] as text.
    pub missed: String,
    /// An [`crate::Overlap`] as text.
    pub overlap: String,
}

/// Why the texts do not make a valid schedule.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrittenError {
    /// The name is invalid.
    #[error("a schedule's name is 1 to 100 characters without blanks, not {name}", name = quoted(.0))]
    Name(String),
    /// The kind is invalid.
    #[error("a job's kind is 1 to 200 characters, not {kind}", kind = quoted(.0))]
    Kind(String),
    /// The version is invalid.
    #[error("the version of a job's arguments is 1 to 32767, not {0}")]
    Version(i16),
    /// The expression is invalid.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// There is no such zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// A policy is invalid.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Each is valid, but not together.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

impl Written {
    /// Reads the texts of a new schedule.
    ///
    /// # Errors
    /// At the first fault.
    pub fn read(&self) -> Result<Schedule, WrittenError> {
        self.with(self.expression.parse()?)
    }

    /// Reads the texts of a schedule that is there already; see [`Expression::stored`].
    ///
    /// # Errors
    /// At the first fault.
    pub fn read_stored(&self) -> Result<Schedule, WrittenError> {
        self.with(Expression::stored(&self.expression)?)
    }

    fn with(&self, expression: Expression) -> Result<Schedule, WrittenError> {
        let is_name = |name: &str| {
            (1..=100).contains(&name.chars().count())
                && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if !is_name(&self.name) {
            return Err(WrittenError::Name(self.name.clone()));
        }
        if !(1..=200).contains(&self.kind.chars().count()) {
            return Err(WrittenError::Kind(self.kind.clone()));
        }
        let version = u16::try_from(self.version).ok().filter(|version| *version > 0);
        let schedule = Schedule {
            name: self.name.clone(),
            expression,
            zone: self.zone.parse()?,
            kind: self.kind.clone(),
            arguments: self.arguments.clone(),
            version: version.ok_or(WrittenError::Version(self.version))?,
            missed: self.missed.parse()?,
            overlap: self.overlap.parse()?,
        };
        validate(std::slice::from_ref(&schedule))?;
        Ok(schedule)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written() -> Written {
        Written {
            name: "report".to_owned(),
            expression: "0 9 * * 1-5".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            kind: "send_report".to_owned(),
            arguments: json!({ "to": "ann" }),
            version: 2,
            missed: "all within 2 h".to_owned(),
            overlap: "allow".to_owned(),
        }
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(written().read().unwrap().zone.name(), "Europe/Berlin");
        let text = str::to_owned;
        for (faulty, expected) in [
            (Written { name: text("two words"), ..written() }, "without blanks"),
            (Written { name: text(""), ..written() }, "1 to 100"),
            (Written { kind: text(""), ..written() }, "1 to 200"),
            (Written { version: 0, ..written() }, "1 to 32767, not 0"),
            (Written { expression: text("noon"), ..written() }, "\"noon\" is not a schedule"),
            (Written { expression: text("*/90 * * * *"), ..written() }, "every 90 min"),
            (Written { zone: text("Berlin"), ..written() }, "no zone \"Berlin\""),
            (Written { missed: text("never"), ..written() }, "\"never\" is not a policy"),
            (Written { overlap: text("never"), ..written() }, "allow or merge"),
            (Written { arguments: json!(3), ..written() }, "not a JSON object"),
        ] {
            let error = faulty.read().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let before = Written { expression: text("*/90 * * * *"), ..written() };
        assert!(before.read_stored().is_ok(), "what was taken once goes on");
    }
}
