//! Adds a schedule: a line in the clock.

use std::path::Path;

use ::schedule::Schedule;

use crate::{Name, NewError, Written, changes::Changes, edit::insert_before};

/// Writes a schedule that fires jobs of `kind` when `expression` says so, into the clock's list.
///
/// # Errors
/// When the expression is none, or the list is not found. Nothing is written then.
pub fn schedule(root: &Path, name: &Name, expression: &str, kind: &Name) -> Result<Vec<Written>, NewError> {
    Schedule::new(name.as_str(), expression, kind.as_str())?;
    let line = format!("        Schedule::new({:?}, {expression:?}, {:?})?,", name.as_str(), kind.as_str());
    let mut changes = Changes::new(root);
    changes.change("crates/clock/src/schedules.rs", |text| {
        insert_before(text, "vec![", "    ];", &line).ok_or(("list `vec![ … ];` of schedules", line.clone()))
    })?;
    changes.write()
}
