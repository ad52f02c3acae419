//! Whether the running workers can handle the jobs of a schedule.

use ::schema::instances;
use anyhow::Context as _;
use database::Connection;
use planner::{Arguments, Manifest, Shape, WaitingJob, shape_mismatches};
use schedule::Written;
use serde_json::Value;

/// What a clock enqueues whose build knows of no other, and what is meant while nobody says another.
const FIRST: i16 = 1;

const TABLE: &str = "sides.stored_schedules";

/// Refuses a schedule whose jobs a worker that runs would claim and could not read. Its arguments are written in the
/// version that was asked for, or in the newest that all who run can read. Whether any worker works them.
pub(super) async fn check(
    connection: &mut Connection,
    written: &mut Written,
    asked: Option<i16>,
) -> anyhow::Result<bool> {
    let alive = instances::alive(connection).await.context("cannot find out what is running")?;
    let said = alive.into_iter().filter_map(|one| one.manifest);
    let live: Vec<Manifest> = said.filter_map(|said| serde_json::from_value(said).ok()).collect();
    let found = version(&live, &written.kind, asked).and_then(|version| {
        written.version = version;
        hands(&live, written)
    });
    found.map_err(|why| anyhow::anyhow!("{why}; nothing was changed"))
}

/// In which version the clocks shall enqueue.
fn version(live: &[Manifest], kind: &str, asked: Option<i16>) -> Result<i16, String> {
    // Only a process that fires schedules reads them; builds without the column do not say in words that they fire.
    let is_old =
        |one: &Manifest| one.tables.get(TABLE).is_some_and(|stored| !stored.columns.contains_key("version"));
    let old_clock = live.iter().find(|one| is_old(one));
    match (asked, old_clock) {
        (Some(asked), Some(clock)) if asked > FIRST => Err(format!(
            "{} enqueues every scheduled job as version {FIRST}: release the clock first",
            clock.short_name()
        )),
        (Some(asked), _) => Ok(asked),
        (None, Some(_)) => Ok(FIRST),
        (None, None) => {
            let newest =
                live.iter().filter_map(|one| one.handler_of(kind)).map(|handled| handled.newest).min();
            Ok(newest.and_then(|newest| i16::try_from(newest).ok()).unwrap_or(FIRST))
        }
    }
}

fn hands(live: &[Manifest], written: &Written) -> Result<bool, String> {
    let kind = &written.kind;
    let version = written.version.unsigned_abs();
    let job = WaitingJob { kind: kind.clone(), version };
    let shape = Shape { job, arguments: arguments(&written.arguments) };
    let mut is_worked = false;
    for manifest in live {
        let Some(handled) = manifest.handler_of(kind) else { continue };
        let who = manifest.short_name();
        if !handled.accepts(version) {
            return Err(format!(
                "{who} reads versions {} to {} of {kind}, but these --arguments are version {version}",
                handled.oldest, handled.newest
            ));
        }
        let fields = shape_mismatches(&shape, manifest);
        if !fields.is_empty() {
            return Err(format!(
                "{who} cannot read version {version} of {kind} with these --arguments: see {}",
                fields.join(", ")
            ));
        }
        is_worked = true;
    }
    Ok(is_worked)
}

/// The fields with the names of their JSON types.
fn arguments(value: &Value) -> Arguments {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), planner::json_type(value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(arguments: Value) -> Written {
        let text = str::to_owned;
        Written {
            name: text("monday"),
            expression: text("@weekly"),
            zone: text("UTC"),
            kind: text("report"),
            arguments,
            version: 1,
            missed: text("latest"),
            overlap: text("merge"),
        }
    }

    fn worker(oldest: u16, newest: u16, read: &[(&str, &str)]) -> Manifest {
        let mut manifest = Manifest::new("worker", "abc");
        let handled = planner::Handled { newest, oldest, aliases: Default::default() };
        manifest.handles.insert("report".to_owned(), handled);
        let read = read.iter().map(|(field, kind)| ((*field).to_owned(), (*kind).to_owned()));
        manifest.arguments.insert("report".to_owned(), read.collect());
        manifest
    }

    #[test]
    fn what_would_be_claimed_and_not_read_is_refused() {
        let to = || written(serde_json::json!({ "to": "ann" }));
        assert_eq!(hands(&[], &to()), Ok(false));
        assert_eq!(hands(&[worker(1, 1, &[("to", "string")])], &to()), Ok(true));
        assert_eq!(hands(&[worker(1, 2, &[("to", "array")])], &to()), Ok(true), "it is brought up");
        let mismatch = hands(&[worker(1, 1, &[("to", "string"), ("at", "integer")])], &to()).unwrap_err();
        assert_eq!(mismatch, "worker@abc cannot read version 1 of report with these --arguments: see at");
        let newer = hands(&[worker(2, 3, &[])], &to()).unwrap_err();
        assert_eq!(newer, "worker@abc reads versions 2 to 3 of report, but these --arguments are version 1");
    }

    fn clock(columns: &[&str]) -> Manifest {
        let mut manifest = Manifest::new("clock", "abc");
        let columns = columns.iter().map(|column| ((*column).to_owned(), "Int2".to_owned())).collect();
        manifest.tables.insert(TABLE.to_owned(), planner::TableUse { columns, inserts: None });
        manifest
    }

    #[test]
    fn arguments_are_as_new_as_all_who_run_can_read() {
        let newest = |live: &[Manifest]| version(live, "report", None);
        assert_eq!(newest(&[]), Ok(1));
        let live = [worker(1, 3, &[]), worker(1, 2, &[]), clock(&["name", "version"])];
        assert_eq!(newest(&live), Ok(2), "one of them does not know the third");
        assert_eq!(version(&live, "report", Some(1)), Ok(1));
        let old_clock = [worker(1, 2, &[]), clock(&["name"])];
        assert_eq!(newest(&old_clock), Ok(1));
        assert_eq!(
            version(&old_clock, "report", Some(2)).unwrap_err(),
            "clock@abc enqueues every scheduled job as version 1: release the clock first"
        );
        assert_eq!(version(&old_clock, "report", Some(1)), Ok(1));
    }
}
