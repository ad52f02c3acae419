//! Adds a schedule: a line in the clock.

use std::path::Path;

use ::schedule::Schedule;

use crate::{Name, NewError, Written, changes::Changes, edit::insert_before};

const FILE: &str = "crates/clock/src/schedules.rs";

/// Writes a schedule that fires jobs of `kind` when `expression` says so, into the clock's list.
///
/// # Errors
/// When the expression is invalid, there is a schedule of this name, or the list is not found. Nothing is written then.
pub fn schedule(root: &Path, name: &Name, expression: &str, kind: &Name) -> Result<Vec<Written>, NewError> {
    Schedule::new(name.as_str(), expression, kind.as_str())?;
    let begin = format!("Schedule::new({:?},", name.as_str());
    let line = format!("        {begin} {expression:?}, {:?})?,", kind.as_str());
    let mut changes = Changes::new(root);
    if std::fs::read_to_string(root.join(FILE)).is_ok_and(|text| text.contains(&begin)) {
        let why = "crates/clock/src/schedules.rs has a schedule of this name already; choose another name";
        return Err(NewError::Name { name: name.as_str().to_owned(), why });
    }
    changes.change(FILE, |text| {
        insert_before(text, "vec![", "    ];", &line).ok_or(("list `vec![ … ];` of schedules", line.clone()))
    })?;
    changes.write()
}
