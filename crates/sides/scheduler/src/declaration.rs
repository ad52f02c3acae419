//! What a scheduler adds to the manifest of its process.

use std::collections::BTreeMap;

use process::{Contract, Declaration};
use schedule::Schedule;
use serde_json::Value;

/// The tables that a scheduler uses, and the jobs that `schedules` fire. Those that people store fire too: of them the
/// database knows.
#[must_use]
pub fn declaration(schedules: &[Schedule]) -> Declaration {
    Declaration::new()
        .fires()
        .tables(crate::SCHEMA)
        .tables(queue::SCHEMA)
        .enqueues(schedules.iter().map(contract))
}

/// A job known by its name: its arguments and their version are what the schedule says.
fn contract(schedule: &Schedule) -> Contract {
    let arguments = schedule.arguments.as_object().into_iter().flatten();
    Contract {
        kind: schedule.kind.clone(),
        version: schedule.version,
        oldest: schedule.version,
        aliases: Vec::new(),
        arguments: arguments
            .map(|(name, value)| (name.clone(), kind(value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// What may stand in this field; a null says nothing about it.
fn kind(value: &Value) -> &'static str {
    if value.is_null() { "any" } else { manifest::json_type(value) }
}
