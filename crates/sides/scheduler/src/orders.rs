//! What people asked for: schedules they stored, pauses, runs. Read at the start, when a notification says that
//! something changed, and once a minute for those that were lost.

use std::collections::HashMap;

use ::schema::tables::{schedule_pauses, schedule_runs, stored_schedules};
use chrono::{DateTime, Utc};
use database::{Connection, Json, Moment};
use diesel::{QueryDsl as _, dsl::sql, sql_types::Bool};
use diesel_async::RunQueryDsl as _;
use schedule::{Schedule, Written, shown};
use serde_json::Value;

use crate::timeline::Entry;

/// How many runs are read at once. Those that this scheduler cannot fire stay, and must not hide all others.
const MOST_RUNS: i64 = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Orders {
    stored: Vec<(Written, DateTime<Utc>)>,
    pauses: HashMap<String, Pause>,
    pub(crate) runs: Vec<Run>,
}

#[derive(Debug)]
struct Pause {
    paused_at: DateTime<Utc>,
    resumed_at: Option<DateTime<Utc>>,
}

/// A request to fire now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) schedule: String,
    pub(crate) asked_at: DateTime<Utc>,
    pub(crate) asked_by: String,
}

/// The columns of a stored schedule, in their order.
type StoredRow = (String, String, String, String, Json, i16, String, String, Moment);

impl Orders {
    pub(crate) async fn read(connection: &mut Connection) -> diesel::QueryResult<Self> {
        let stored = {
            use stored_schedules::{
                arguments, expression, kind, missed, name, overlap, since, table, version, zone,
            };
            let columns = (name, expression, zone, kind, arguments, version, missed, overlap, since);
            table.select(columns).order(name).load::<StoredRow>(connection).await?
        };
        let pauses: Vec<(String, Moment, Option<Moment>)> = schedule_pauses::table
            .select((schedule_pauses::schedule, schedule_pauses::paused_at, schedule_pauses::resumed_at))
            .load(connection)
            .await?;
        // A request of no time, or of a time to come, is none: it would never be done with.
        let runs: Vec<(String, Moment, String)> = schedule_runs::table
            .filter(sql::<Bool>("asked_at BETWEEN now() - interval '1 year' AND now() + interval '1 day'"))
            .order((schedule_runs::asked_at, schedule_runs::schedule))
            .limit(MOST_RUNS)
            .load(connection)
            .await?;
        let pause = |(name, paused_at, resumed_at): (String, Moment, Option<Moment>)| {
            (name, Pause { paused_at: paused_at.nearest(), resumed_at: resumed_at.map(Moment::nearest) })
        };
        let run = |(schedule, asked_at, asked_by): (String, Moment, String)| Run {
            schedule,
            asked_at: asked_at.nearest(),
            asked_by,
        };
        Ok(Self {
            stored: stored.into_iter().map(stored_row).collect(),
            pauses: pauses.into_iter().map(pause).collect(),
            runs: runs.into_iter().map(run).collect(),
        })
    }

    /// Everything to keep: the schedules of the code, and those stored whose name is free. A stored one that
    /// does not parse is named and left out.
    pub(crate) fn entries(&self, code: &[Schedule]) -> (Vec<Entry>, Vec<String>) {
        let mut faults = Vec::new();
        let mut entries: Vec<Entry> =
            code.iter().map(|schedule| self.entry(schedule.refreshed(), None)).collect();
        for (written, since) in &self.stored {
            if code.iter().any(|schedule| schedule.name == written.name) {
                let name = shown(&written.name);
                faults.push(format!("the stored schedule {name} has the name of one in the code"));
                continue;
            }
            match written.read_stored() {
                Ok(schedule) => entries.push(self.entry(schedule, Some(*since))),
                Err(error) => faults.push(format!(
                    "the stored schedule {} cannot be kept: {}",
                    shown(&written.name),
                    process::chain(&error)
                )),
            }
        }
        (entries, faults)
    }

    fn entry(&self, schedule: Schedule, since: Option<DateTime<Utc>>) -> Entry {
        let pause = self.pauses.get(&schedule.name);
        let resumed = pause.and_then(|pause| pause.resumed_at);
        Entry {
            // What was open when the pause began is given up with it.
            not_before: since.max(resumed),
            is_paused: pause.is_some_and(|pause| pause.resumed_at.is_none_or(|at| at < pause.paused_at)),
            is_stored: since.is_some(),
            schedule,
        }
    }
}

fn stored_row(row: StoredRow) -> (Written, DateTime<Utc>) {
    let (name, expression, zone, kind, arguments, version, missed, overlap, since) = row;
    // What cannot be read is not an object, and so refused with its schedule alone.
    let arguments = Value::from(arguments);
    (Written { name, expression, zone, kind, arguments, version, missed, overlap }, since.nearest())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str, expression: &str) -> (Written, DateTime<Utc>) {
        let text = str::to_owned;
        let row = (text(name), text(expression), text("UTC"), text("work"), serde_json::json!({}));
        let (name, expression, zone, kind, arguments) = row;
        let (missed, overlap) = (text("skip"), text("allow"));
        let written = Written { name, expression, zone, kind, arguments, version: 1, missed, overlap };
        (written, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_code_goes_before_what_is_stored_and_faults_are_named() {
        let code = [Schedule::new("a", "@daily", "work").unwrap()];
        let orders = Orders {
            stored: vec![stored("a", "@hourly"), stored("b", "@hourly"), stored("c", "at noon")],
            ..Orders::default()
        };
        let (entries, faults) = orders.entries(&code);
        let names: Vec<&str> = entries.iter().map(|entry| entry.schedule.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(entries[0].schedule.expression.to_string(), "@daily");
        assert_eq!(entries[1].not_before, Some(DateTime::UNIX_EPOCH));
        assert!(faults[0].contains("schedule a has the name"), "{faults:?}");
        assert!(faults[1].contains("schedule c cannot be kept: \"at noon\""), "{faults:?}");
    }

    #[test]
    fn a_pause_lasts_until_it_is_resumed() {
        let code = [Schedule::new("a", "@daily", "work").unwrap()];
        let pause = |resumed_at| {
            let pause = Pause { paused_at: DateTime::UNIX_EPOCH, resumed_at };
            let orders = Orders { pauses: [("a".to_owned(), pause)].into(), ..Orders::default() };
            orders.entries(&code).0.remove(0)
        };
        assert!(pause(None).is_paused);
        let resumed = pause(Some(DateTime::UNIX_EPOCH));
        assert!(!resumed.is_paused);
        assert_eq!(resumed.not_before, Some(DateTime::UNIX_EPOCH));
    }
}
