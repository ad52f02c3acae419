//! The past changes of the number of instances, from `sides.actions`.

use std::time::Duration;

use ::schema::actions::{self, Resize as Row};
use database::Connection;

/// What follows from the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct History {
    /// The number that was set or found last.
    pub(crate) expected: Option<u32>,
    pub(crate) changed: Option<Duration>,
    pub(crate) changes: u32,
    pub(crate) person: Option<Duration>,
    /// The number of the last change, when nobody knows whether it was made.
    pub(crate) unconfirmed: Option<u32>,
}

impl History {
    /// Whether nobody here has set this number.
    pub(crate) fn is_external(&self, instances: u32) -> bool {
        self.expected.is_some_and(|expected| expected != instances) && self.unconfirmed != Some(instances)
    }
}

/// The history of `process`.
pub(crate) async fn read(connection: &mut Connection, process: &str) -> diesel::QueryResult<History> {
    Ok(of(&actions::resizes(connection, process).await?))
}

/// The last row first. What did not happen counts as tried, and not as the number.
fn of(rows: &[Row]) -> History {
    let age = |row: &Row| Duration::try_from_secs_f64(row.age).unwrap_or_default();
    let is_set = |row: &&Row| row.action == "found scaled" || row.outcome.starts_with("done");
    let last = rows.iter().find(is_set);
    let tries = || rows.iter().filter(|row| row.action == "scale");
    let instances = |row: &Row| row.instances.and_then(|instances| u32::try_from(instances).ok());
    History {
        expected: last.and_then(instances),
        changed: tries().next().map(age),
        changes: u32::try_from(tries().filter(|row| row.age < 3_600.0).count()).unwrap_or(u32::MAX),
        person: last.filter(|row| row.action == "found scaled").map(age),
        unconfirmed: rows.first().filter(|row| row.outcome.starts_with("not known")).and_then(instances),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(action: &str, outcome: &str, instances: i32, age: f64) -> Row {
        Row { action: action.to_owned(), outcome: outcome.to_owned(), instances: Some(instances), age }
    }

    #[test]
    fn a_person_counts_until_the_next_change_and_failures_set_no_number() {
        let failed = row("scale", "not done: busy", 4, 10.0);
        let person = row("found scaled", "it holds", 3, 60.0);
        let old = row("scale", "done in 2 s", 2, 4_000.0);
        let history = of(&[failed.clone(), person.clone(), old.clone()]);
        assert_eq!((history.expected, history.changes), (Some(3), 1));
        assert_eq!(history.person, Some(Duration::from_secs(60)));
        assert_eq!(history.changed, Some(Duration::from_secs(10)));
        let later = of(&[row("scale", "done in 1 s", 1, 5.0), person, old]);
        assert_eq!((later.expected, later.person), (Some(1), None));
        assert_eq!(of(&[]), History::default());
    }

    #[test]
    fn what_may_have_happened_is_no_strangers_doing() {
        let history =
            of(&[row("scale", "not known: no answer", 2, 5.0), row("scale", "done in 1 s", 1, 60.0)]);
        assert_eq!([1, 2, 3].map(|instances| history.is_external(instances)), [false, false, true]);
        let refused = of(&[row("scale", "not done: busy", 2, 5.0), row("scale", "done in 1 s", 1, 60.0)]);
        assert!(refused.is_external(2));
    }
}
