//! Manifests say no less than the code does: raw SQL and enqueued jobs are looked for in the sources.

mod reach;
mod written;

use std::{collections::BTreeSet, fs, process::Command};

use planner::{CATALOGUE_SQL, Catalogue, Manifest, Tables, declared, schema_mismatches};
use testing::{TestDatabase, reduction};

use crate::{dependency_rules::Graph, programs};
use reach::Schema;
use written::written;

/// Each crate whose SQL runs in a process, with the lists that hold for it: each crate has one, its `SCHEMA`. Its SQL is what
/// it writes itself, and what is behind the functions of `sides-schema` that it names.
const SCHEMAS: &[(&str, &[&str])] = &[
    ("models", &["models"]),
    ("schema", &["schema", "queue"]),
    ("process", &["process"]),
    ("queue", &["queue"]),
    ("scheduler", &["scheduler", "queue", "process"]),
    ("controller", &["controller", "scheduler", "queue", "process"]),
    ("sides/web", &["sides/web", "queue", "process"]),
    ("web", &["sides/web", "models", "queue", "process"]),
    ("worker", &["models", "queue", "process"]),
];

/// How a statement begins.
const BEGINNINGS: &[&str] = &["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "MERGE ", "TRUNCATE "];

fn tables_of(name: &str) -> Tables {
    match name {
        "models" => manifest::tables!("../../models/src/schema.rs"),
        "schema" => schema::TABLES,
        "sides/web" => sides_web::SCHEMA,
        "scheduler" => scheduler::SCHEMA,
        "controller" => controller::SCHEMA,
        "queue" => queue::SCHEMA,
        "process" => process::SCHEMA,
        other => panic!("{other} has no list of tables"),
    }
}

/// A manifest that says what these lists say.
fn listing(lists: &[&str]) -> Manifest {
    let mut listing = Manifest::new("any", "any");
    lists.iter().for_each(|name| listing.add_tables(declared(tables_of(name))));
    listing
}

async fn catalogue(database: &TestDatabase) -> Catalogue {
    let client = database::client(database.url()).await.unwrap();
    let answer: String = client.query_one(CATALOGUE_SQL, &[]).await.unwrap().get(0);
    Catalogue::read(&answer).unwrap()
}

/// What a crate may run: its own texts and those of the schema that it asks for.
fn run_by(schema: &Schema, name: &str) -> BTreeSet<String> {
    let mut texts = written(name).texts;
    if name != "schema" && name != "sides/schema" {
        texts.extend(schema.asked_by(name));
    }
    texts
}

/// SQL that works on the whole schema and not on what is listed; and how many texts Postgres read.
async fn outside(
    database: &TestDatabase,
    whole: &Catalogue,
    texts: BTreeSet<String>,
    listed: &Manifest,
) -> (Vec<String>, usize) {
    let client = database::client(database.url()).await.unwrap();
    // Of a text that is filled in at run time Postgres cannot judge, but its tables have names. One that is nothing but a
    // name is a key of a manifest.
    let mut outside: Vec<String> = texts
        .iter()
        .flat_map(|text| whole.tables.keys().map(move |table| (text, table)))
        .filter(|(text, table)| table.contains('.') && text.contains(table.as_str()) && text != table)
        .filter(|(_, table)| !listed.tables.contains_key(*table))
        .map(|(text, table)| format!("{table} is not listed, in:\n{text}"))
        .collect();
    let mut good = Vec::new();
    for text in texts.into_iter().filter(|text| is_sql(text)) {
        if client.prepare(&text).await.is_ok() {
            good.push(text);
        }
    }
    client.batch_execute(&format!("BEGIN; {}", reduction(whole, listed))).await.unwrap();
    for text in &good {
        client.batch_execute("SAVEPOINT before").await.unwrap();
        if let Err(error) = client.prepare(text).await {
            let why = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
            outside.push(format!("{why}, in:\n{text}"));
            client.batch_execute("ROLLBACK TO before").await.unwrap();
        }
    }
    client.batch_execute("ROLLBACK").await.unwrap();
    (outside, good.len())
}

fn is_sql(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.trim_start().starts_with(beginning))
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_sql_names_nothing_but_what_its_crate_lists() {
    let database = TestDatabase::create().await;
    let (whole, schema) = (catalogue(&database).await, Schema::read());
    let (mut found, mut read) = (Vec::new(), 0);
    for (name, lists) in SCHEMAS {
        let (outside, good) = outside(&database, &whole, run_by(&schema, name), &listing(lists)).await;
        found.extend(outside.into_iter().map(|one| format!("{name}: {one}")));
        read += good;
    }
    assert!(
        found.is_empty(),
        "write these tables and columns down in the crate's list:\n{}",
        found.join("\n\n")
    );
    assert!(read > 120, "only {read} texts were understood");
    // What a list lacks is noticed, whether the crate writes the query or asks the schema.
    for (name, table) in [("queue", "fang_tasks"), ("controller", "memory_trends"), ("scheduler", "ticks")] {
        let (outside, _) = outside(&database, &whole, run_by(&schema, name), &listing(&["process"])).await;
        assert!(outside.iter().any(|one| one.contains(table)), "{name}: {outside:?}");
    }
}

/// What an application's processes say covers all that is linked into them.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_says_every_table_of_the_sql_that_it_may_run() {
    let database = TestDatabase::create().await;
    let (whole, schema, graph) = (catalogue(&database).await, Schema::read(), Graph::read());
    for name in ["web", "worker", "clock"] {
        let linked = graph.linked(name);
        let folders = linked.iter().map(|package| package.replace("sides-", "sides/"));
        let folders = folders.filter(|folder| folder != "sides/schema");
        let texts: BTreeSet<String> = folders.flat_map(|folder| run_by(&schema, &folder)).collect();
        let manifest = said(name);
        let (faults, good) = outside(&database, &whole, texts.clone(), &manifest).await;
        assert!(faults.is_empty(), "{name} does not say:\n{}", faults.join("\n\n"));
        assert!(good > 30, "{name}: only {good} texts were understood");
        // Each table of the chassis that it says is one that it needs to say.
        for table in manifest.tables.keys().filter(|table| table.starts_with("sides.")) {
            let mut without = manifest.clone();
            without.tables.remove(table);
            let (faults, _) = outside(&database, &whole, texts.clone(), &without).await;
            assert!(!faults.is_empty(), "{name} says {table}, and runs nothing of it");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_says_what_it_is_and_fits_the_migrated_schema() {
    let database = TestDatabase::create().await;
    let whole = catalogue(&database).await;
    for name in ["web", "worker", "clock"] {
        let manifest = said(name);
        assert_eq!(schema_mismatches(&manifest, &whole), [], "{name}");
        assert!(manifest.tables.contains_key("sides.fang_tasks"), "{name}");
        assert_eq!(manifest.tables.contains_key("services"), name != "clock", "{name}");
        assert_eq!(manifest.handles.is_empty(), name != "worker", "{name}");
        assert_eq!(
            (manifest.listens, manifest.works, manifest.fires),
            (name == "web", name == "worker", name == "clock"),
            "{name}"
        );
    }
}

fn said(name: &str) -> Manifest {
    let output = Command::new(programs::folder().join(name)).arg("--manifest").env_clear().output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_the_code_makes_is_one_that_its_program_says_it_enqueues() {
    // A contract's file has its kind as a name.
    let folder = programs::workspace().join("crates/jobs/src");
    let kinds: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|entry| fs::read_to_string(entry.path()).unwrap().contains(" Job for "))
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .filter(|kind| !["contract", "fields"].contains(&kind.as_str()))
        .collect();
    assert!(kinds.len() > 3, "{kinds:?}");
    for name in ["web", "worker"] {
        let made = written(name).made;
        let made: BTreeSet<&String> = kinds.iter().filter(|kind| made.contains(&camel(kind))).collect();
        let manifest = said(name);
        let says: BTreeSet<&String> = manifest.enqueues.keys().collect();
        assert_eq!(made, says, "{name}: its declaration.rs and its code");
    }
}

fn camel(kind: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    kind.split('_').map(capital).collect()
}
