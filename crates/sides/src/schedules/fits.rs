//! Whether the workers that run can do what a schedule asks for.

use anyhow::{Context as _, bail};
use database::Connection;
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl as _;
use release::{Arguments, Manifest, Shape, WaitingJob, shape_misfits};
use schedule::Written;
use serde_json::Value;

/// A clock enqueues what is on a schedule in this version.
const VERSION: u16 = 1;

const LIVE: &str = "\
SELECT DISTINCT manifest::text AS manifest FROM sides.instances
WHERE state <> 'stopped' AND heartbeat_at > now() - interval '15 seconds' AND manifest IS NOT NULL";

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    manifest: String,
}

/// Refuses a schedule whose jobs a worker that runs would claim and could not read. Whether any worker works them.
pub(super) async fn check(connection: &mut Connection, written: &Written) -> anyhow::Result<bool> {
    let live: Vec<Said> =
        diesel::sql_query(LIVE).load(connection).await.context("what runs cannot be asked for")?;
    let live: Vec<Manifest> =
        live.iter().filter_map(|said| serde_json::from_str(&said.manifest).ok()).collect();
    match hands(&live, written) {
        Ok(is_worked) => Ok(is_worked),
        Err(why) => bail!("{why}; nothing was changed"),
    }
}

fn hands(live: &[Manifest], written: &Written) -> Result<bool, String> {
    let kind = &written.kind;
    let job = WaitingJob { kind: kind.clone(), version: VERSION };
    let shape = Shape { job, arguments: arguments(&written.arguments) };
    let mut is_worked = false;
    for manifest in live {
        let Some(handled) = manifest.handler_of(kind) else { continue };
        let who = manifest.short_name();
        if !handled.accepts(VERSION) {
            return Err(format!(
                "{who} reads {kind} from version {} on, and what is on a schedule is version {VERSION}",
                handled.oldest
            ));
        }
        let fields = shape_misfits(&shape, manifest);
        if !fields.is_empty() {
            return Err(format!(
                "{who} cannot read a {kind} with these --arguments: see {}",
                fields.join(", ")
            ));
        }
        is_worked = true;
    }
    Ok(is_worked)
}

/// The fields with the names of their JSON types.
fn arguments(value: &Value) -> Arguments {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), kind(value).to_owned())).collect()
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
            missed: text("latest"),
            overlap: text("merge"),
        }
    }

    fn worker(oldest: u16, newest: u16, read: &[(&str, &str)]) -> Manifest {
        let mut manifest = Manifest::new("worker", "abc");
        let handled = release::Handled { newest, oldest, aliases: Default::default() };
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
        let misfit = hands(&[worker(1, 1, &[("to", "string"), ("at", "integer")])], &to()).unwrap_err();
        assert_eq!(misfit, "worker@abc cannot read a report with these --arguments: see at");
        let newer = hands(&[worker(2, 2, &[])], &to()).unwrap_err();
        assert_eq!(
            newer,
            "worker@abc reads report from version 2 on, and what is on a schedule is version 1"
        );
    }
}
