//! What `--json` prints is what `docs/schemas.json` says, and nothing besides.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::OnceLock,
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use testing::TestDatabase;

use crate::{
    programs,
    releasing::{ended, run},
    rows,
    sandbox::{Sandbox, text},
    toy,
};

/// Their own tests hold these to their schemas, since they take a stage and another place.
const ELSEWHERE: [&str; 3] = ["drill", "rehearse", "setup-heroku"];

/// The validator of each command, by its words with dashes between them.
fn validators() -> &'static BTreeMap<String, Validator> {
    static ALL: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    ALL.get_or_init(|| {
        let file = programs::workspace().join("docs/schemas.json");
        let mut all: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let parts = all["$defs"].as_object_mut().unwrap();
        parts.values_mut().for_each(close);
        let is_command = |name: &&String| name.starts_with(|first: char| first.is_ascii_lowercase());
        let validator = |name: &String| {
            let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": parts });
            (name.clone(), jsonschema::draft202012::options().build(&schema).unwrap())
        };
        parts.keys().filter(is_command).map(validator).collect()
    })
}

/// Readers must bear fields that they do not know. Here such a field is one that nobody has documented.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The schema of a command line: of `jobs list --kind x --json` it is `jobs-list`.
fn name(arguments: &[&str]) -> Option<String> {
    let words: Vec<&str> = arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect();
    let names = (1..=words.len()).rev().map(|count| words[..count].join("-"));
    names.into_iter().find(|name| validators().contains_key(name))
}

/// One value, or one a line.
fn values(printed: &[u8]) -> Result<Vec<Value>, serde_json::Error> {
    match serde_json::from_slice(printed) {
        Ok(value) => Ok(vec![value]),
        Err(_) => text(printed).lines().map(serde_json::from_str).collect(),
    }
}

/// Holds what a command printed to its schema, where it was asked for JSON. Returns the schema's name.
///
/// # Panics
/// When it is not like that.
pub(crate) fn hold(arguments: &[&str], printed: &[u8]) -> Option<String> {
    let asked = arguments.contains(&"--json") && !arguments.contains(&"--help");
    let name = name(arguments).filter(|_| asked && !printed.is_empty())?;
    let values = values(printed).unwrap_or_else(|error| panic!("{name}: {error}: {}", text(printed)));
    for value in values {
        let faults: Vec<String> = validators()[&name]
            .iter_errors(&value)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(
            faults.is_empty(),
            "{name} is not as docs/schemas.json says: {}\n{value:#}",
            faults.join("\n")
        );
    }
    Some(name)
}

/// What has been held so far.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    /// Runs a command, whose exit code must be one of these, and holds it.
    async fn see(&mut self, sandbox: &Sandbox, line: &[&str], codes: &[i32]) -> Vec<Value> {
        let output = run(sandbox, &[line, &["--json"]].concat()).await;
        let code = output.status.code().unwrap();
        assert!(codes.contains(&code), "{line:?}: {code}: {}{}", text(&output.stdout), text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{line:?} printed nothing: {}", text(&output.stderr));
        self.0.extend(hold(&[line, &["--json"]].concat(), &output.stdout));
        values(&output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_what_is_documented() {
    let mut seen = Seen::default();
    releases(&mut seen).await;
    jobs_and_schedules(&mut seen).await;
    migrations(&mut seen).await;
    let wanted: BTreeSet<&String> = validators().keys().collect();
    let missed: Vec<_> = wanted
        .iter()
        .filter(|name| !seen.0.contains(**name) && !ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert!(missed.is_empty(), "documented and never held: {missed:?}");
}

async fn releases(seen: &mut Seen) {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["web", "worker"]).on(&database);
    toy::write_workspace(&sandbox);
    seen.see(&sandbox, &["status"], &[3]).await;
    seen.see(&sandbox, &["doctor"], &[0, 1]).await;
    seen.see(&sandbox, &["plan"], &[0]).await;
    seen.see(&sandbox, &["release", "status"], &[5]).await;
    ended(&run(&sandbox, &["up", "--port", "0"]).await, 0);
    seen.see(&sandbox, &["release", "--bake", "0"], &[0]).await;
    toy::write_program(&sandbox, "web", &toy::program("two"));
    seen.see(&sandbox, &["plan"], &[0]).await;
    seen.see(&sandbox, &["release", "--bake", "0"], &[0]).await;
    seen.see(&sandbox, &["rollback", "--bake", "0"], &[0]).await;
    seen.see(&sandbox, &["status"], &[0, 4]).await;
    seen.see(&sandbox, &["ps"], &[0, 4]).await;
    rows::execute(
        database.url(),
        "INSERT INTO sides.actions (at, subject, action, asked_by, reason, measured, outcome)
        VALUES (now(), 'worker', 'scale', 'ann@home', 'it is late', '{}', 'done')",
    )
    .await;
    for line in [
        &["releases"][..],
        &["release", "status"],
        &["receipts"],
        &["receipt"],
        &["scaling", "log"],
        &["scaling", "simulate", "burst"],
    ] {
        seen.see(&sandbox, line, &[0]).await;
    }
    logs(seen, &sandbox).await;
    ended(&run(&sandbox, &["stop"]).await, 0);
    sandbox.wait_until_empty().await;
}

/// The toys say nothing: a line is put into the log of one.
async fn logs(seen: &mut Seen, sandbox: &Sandbox) {
    let talks = toy::program("three").replace("fn main() {", "fn main() { println!(\"hello\");");
    toy::write_program(sandbox, "worker", &talks);
    ended(&run(sandbox, &["release", "--bake", "0"]).await, 0);
    seen.see(sandbox, &["logs"], &[0]).await;
}

async fn jobs_and_schedules(seen: &mut Seen) {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).on(&database);
    ended(&run(&sandbox, &["schedule", "add", "nightly", "@daily", "report"]).await, 0);
    seen.see(&sandbox, &["schedule", "list"], &[0]).await;
    seen.see(&sandbox, &["schedule", "preview", "nightly"], &[0]).await;
    let fold =
        ["schedule", "preview", "@hourly", "--zone", "Europe/Berlin", "--from", "2026-10-24T22:00:00Z"];
    seen.see(&sandbox, &fold, &[0]).await;
    let enqueue = "SELECT sides.enqueue('report', tags => ARRAY['a'])";
    rows::execute(database.url(), &format!("{enqueue}; {enqueue}; {enqueue}")).await;
    seen.see(&sandbox, &["jobs", "kinds"], &[0]).await;
    let all = seen.see(&sandbox, &["jobs", "list"], &[0]).await;
    let id = all[0][0]["id"].as_str().unwrap();
    seen.see(&sandbox, &["jobs", "show", id, "--arguments"], &[0]).await;
    seen.see(&sandbox, &["jobs", "cancel", id], &[0]).await;
    seen.see(&sandbox, &["jobs", "show", id], &[0]).await;
    seen.see(&sandbox, &["jobs", "list", "--state", "cancelled"], &[0]).await;
    for change in ["retry", "unpark", "discard"] {
        seen.see(&sandbox, &["jobs", change, id], &[1]).await;
    }
    for change in ["pause", "resume"] {
        seen.see(&sandbox, &["jobs", change, "--kind", "report"], &[0]).await;
    }
}

async fn migrations(seen: &mut Seen) {
    let database = TestDatabase::create().await;
    let sandbox = Sandbox::with(&["clock"]).with_migrations().on(&database);
    let write = |name: &str, up: &str, down: &str| {
        let folder = sandbox.file(&format!("migrations/2099-01-01-{name}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("up.sql"), up).unwrap();
        fs::write(folder.join("down.sql"), down).unwrap();
    };
    let rows = "INSERT INTO toy SELECT generate_series(1, 9);";
    write(
        "000100_toy",
        &format!("CREATE TABLE toy (id bigint PRIMARY KEY, k int); {rows}"),
        "DROP TABLE toy;",
    );
    write("000200_fill", "UPDATE toy SET k = 1 WHERE k IS NULL;", "SELECT 1;");
    let says = r#"{"manifest_version": 1, "process": "web", "digest": "abc", "tables": {"toy": {"columns": {"id": "Int8"}}}}"#;
    fs::write(sandbox.file("web.json"), says).unwrap();
    // A statement that is refused is an answer, too: 3.
    for line in [
        &["status"][..],
        &["plan"],
        &["check"],
        &["up"],
        &["backfill", "run"],
        &["backfill", "pause"],
        &["backfill", "resume"],
        &["grants", "--manifest", "web.json"],
        &["down"],
        &["repair"],
        &["export", "exported"],
        &["new", "add_nothing"],
    ] {
        seen.see(&sandbox, &[&["migration"], line].concat(), &[0, 3, 5]).await;
    }
    // As one of a large table stands half way: this one was over in one step.
    let begun = "INSERT INTO sides_migrate.backfills (step_id, migration, estimated, visited)
        SELECT max(id), 'fill', 9, 3 FROM sides_migrate.steps WHERE direction = 'up'";
    rows::execute(database.url(), begun).await;
    seen.see(&sandbox, &["migration", "backfill", "status"], &[0]).await;
}

/// A file that allowed everything would hold nothing.
#[test]
fn what_is_not_documented_is_found() {
    let fault = |line: &[&str], printed: Value| {
        let printed = printed.to_string();
        let line: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        std::panic::catch_unwind(move || {
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            hold(&line, printed.as_bytes())
        })
        .is_err()
    };
    let good = json!([{ "topic": "disk", "verdict": "good", "text": "there is room", "advice": null }]);
    assert!(!fault(&["doctor", "--json"], good.clone()));
    let mut more = good.clone();
    more[0]["secret"] = json!(1);
    assert!(fault(&["doctor", "--json"], more), "an unknown field");
    let mut less = good.clone();
    less[0].as_object_mut().map(Map::clear);
    assert!(fault(&["doctor", "--json"], less), "a field is missing");
    let mut other = good;
    other[0]["verdict"] = json!("fine");
    assert!(fault(&["doctor", "--json"], other), "an unknown word");
    assert!(fault(&["jobs", "pause", "--kind", "x", "--json"], json!({ "scope": "kind", "name": "x" })));
}
