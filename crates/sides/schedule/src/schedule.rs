//! One schedule: when, which job, and what happens to missed ticks.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{Expression, ExpressionError, Missed, Overlap, Zone};

/// What fires when. The job is known by its name and its arguments only.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name, part of each tick's key. Never changes.
    pub name: String,
    /// When it is due.
    pub expression: Expression,
    /// The zone whose clocks on the wall the expression means.
    pub zone: Zone,
    /// The kind of the job.
    pub kind: String,
    /// The arguments of the job: a JSON object.
    pub arguments: Value,
    /// The version of the kind's contract that the arguments are written in.
    pub version: u16,
    /// What happens to due moments that were missed.
    pub missed: Missed,
    /// What happens when its last job is not over yet.
    pub overlap: Overlap,
}

/// Why a schedule is invalid.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The expression is invalid.
    #[error("schedule {name}")]
    Expression {
        /// The schedule.
        name: String,
        /// What is wrong with it.
        #[source]
        source: ExpressionError,
    },
    /// Two schedules have one name, so the ticks of one would count for the other.
    #[error("two schedules are called {0}")]
    Twice(String),
    /// The arguments are not a JSON object.
    #[error("schedule {0}: the arguments of its job are not a JSON object")]
    Arguments(String),
    /// The window is wider than the memory of ticks.
    #[error("schedule {0}: a window for missed ticks is at most 24 h wide")]
    Window(String),
}

impl Schedule {
    /// A schedule in UTC whose job has no arguments, in the first version; of missed moments the last is made up
    /// for, and one job is enough at a time.
    ///
    /// # Errors
    /// When the expression is invalid.
    pub fn new(name: &str, expression: &str, kind: &str) -> Result<Self, ScheduleError> {
        let expression = expression
            .parse()
            .map_err(|source| ScheduleError::Expression { name: name.to_owned(), source })?;
        Ok(Self {
            name: name.to_owned(),
            expression,
            zone: Zone::utc(),
            kind: kind.to_owned(),
            arguments: Value::Object(serde_json::Map::new()),
            version: 1,
            missed: Missed::Latest,
            overlap: Overlap::Merge,
        })
    }

    /// The same by the rules of its zone that are current now.
    #[must_use]
    pub fn refreshed(&self) -> Self {
        Self { zone: self.zone.refreshed(), ..self.clone() }
    }

    /// The first due moment later than `after`.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.expression.next_after(after, &self.zone, &self.name)
    }

    /// The due moments later than `after`, one after the other.
    pub fn upcoming(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        std::iter::successors(self.next_after(after), |moment| self.next_after(*moment))
    }
}

/// Checks what the types cannot: names, arguments, windows.
///
/// # Errors
/// At the first fault.
pub fn validate(schedules: &[Schedule]) -> Result<(), ScheduleError> {
    let mut names = std::collections::HashSet::new();
    for schedule in schedules {
        let name = || schedule.name.clone();
        if !names.insert(schedule.name.as_str()) {
            return Err(ScheduleError::Twice(name()));
        }
        if !schedule.arguments.is_object() {
            return Err(ScheduleError::Arguments(name()));
        }
        if matches!(schedule.missed, Missed::AllWithin(window) if window > Missed::WIDEST) {
            return Err(ScheduleError::Window(name()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn schedule(name: &str) -> Schedule {
        Schedule::new(name, "@daily", "work").unwrap()
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_name() {
        assert!(validate(&[schedule("a"), schedule("b")]).is_ok());
        let twice = validate(&[schedule("a"), schedule("a")]).unwrap_err();
        assert_eq!(twice.to_string(), "two schedules are called a");
        let list = Schedule { arguments: serde_json::json!([1]), ..schedule("a") };
        assert!(validate(&[list]).unwrap_err().to_string().contains("not a JSON object"));
        let wide = Missed::AllWithin(Missed::WIDEST + Duration::from_secs(1));
        let wide = Schedule { missed: wide, ..schedule("a") };
        assert!(validate(&[wide]).unwrap_err().to_string().contains("at most 24 h"));
        let error = Schedule::new("a", "61 * * * *", "work").unwrap_err();
        assert_eq!(error.to_string(), "schedule a");
    }
}
