//! Manifests say no less than the code does: raw SQL and enqueued jobs are looked for in the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use planner::{CATALOGUE_SQL, Catalogue, Manifest, Tables, declared, schema_mismatches};
use syn::visit::{self, Visit};
use testing::TestDatabase;

use crate::programs;

/// Each crate whose SQL runs in a process, with the lists that hold for it: each crate has one, its `SCHEMA`.
const SCHEMAS: &[(&str, &[&str])] = &[
    ("models", &["models"]),
    ("schema", &["schema"]),
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

/// What the code of a crate writes down: texts, and types whose values it makes.
#[derive(Default)]
struct Written {
    texts: BTreeSet<String>,
    made: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Written {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.insert(text.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // The arguments of a macro are no syntax; its texts still are tokens.
        texts_of(call.tokens.clone(), &mut self.texts);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        self.made.extend(made.path.segments.last().map(|name| name.ident.to_string()));
        visit::visit_expr_struct(self, made);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.made.extend(path.path.segments.iter().map(|name| name.ident.to_string()));
        visit::visit_expr_path(self, path);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }
}

fn texts_of(tokens: proc_macro2::TokenStream, texts: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => texts_of(group.stream(), texts),
            proc_macro2::TokenTree::Literal(literal) => {
                if let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                    texts.insert(text.value());
                }
            }
            _ => {}
        }
    }
}

/// The sources of a crate, of the application or of the chassis.
fn sources_of(name: &str) -> PathBuf {
    let crates = programs::workspace().join("crates");
    let own = crates.join(name).join("src");
    if own.exists() { own } else { crates.join("sides").join(name).join("src") }
}

fn written(name: &str) -> Written {
    let mut written = Written::default();
    read(&sources_of(name), &mut written);
    assert!(!written.texts.is_empty(), "{name} has no sources");
    written
}

fn read(folder: &Path, written: &mut Written) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, written);
        } else if path.extension().is_some_and(|end| end == "rs") {
            written.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
}

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

/// Drops whatever is not listed.
fn reduction(catalogue: &Catalogue, lists: &[&str]) -> String {
    let mut known = Manifest::new("any", "any");
    lists.iter().for_each(|name| known.add_tables(declared(tables_of(name))));
    let mut statements = String::new();
    for (table, columns) in &catalogue.tables {
        match known.tables.get(table) {
            None => statements += &format!("DROP TABLE {table} CASCADE;"),
            Some(usage) => {
                for column in columns.keys().filter(|column| !usage.columns.contains_key(*column)) {
                    statements += &format!("ALTER TABLE {table} DROP COLUMN {column} CASCADE;");
                }
            }
        }
    }
    statements
}

async fn catalogue(database: &TestDatabase) -> Catalogue {
    let client = database::client(database.url()).await.unwrap();
    let answer: String = client.query_one(CATALOGUE_SQL, &[]).await.unwrap().get(0);
    Catalogue::read(&answer).unwrap()
}

/// A crate's SQL that works on the whole schema and not on what its lists name; and how many texts Postgres read.
async fn outside(
    database: &TestDatabase,
    whole: &Catalogue,
    name: &str,
    lists: &[&str],
) -> (Vec<String>, usize) {
    let client = database::client(database.url()).await.unwrap();
    let texts = written(name).texts;
    // Of a text that is filled in at run time Postgres cannot judge, but its tables have names.
    let mut outside = unlisted(name, lists);
    outside.extend(
        texts
            .iter()
            .flat_map(|text| whole.tables.keys().map(move |table| (text, table)))
            .filter(|(text, table)| table.contains('.') && text.contains(table.as_str()))
            .filter(|(_, table)| {
                !lists.iter().any(|list| tables_of(list).iter().any(|(name, _)| name == table))
            })
            .map(|(text, table)| format!("{name}: {table} is not listed, in:\n{text}")),
    );
    let mut good = Vec::new();
    for text in texts.into_iter().filter(|text| is_sql(text)) {
        if client.prepare(&text).await.is_ok() {
            good.push(text);
        }
    }
    client.batch_execute(&format!("BEGIN; {}", reduction(whole, lists))).await.unwrap();
    for text in &good {
        client.batch_execute("SAVEPOINT before").await.unwrap();
        if let Err(error) = client.prepare(text).await {
            let why = error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string);
            outside.push(format!("{name}: {why}, in:\n{text}"));
            client.batch_execute("ROLLBACK TO before").await.unwrap();
        }
    }
    client.batch_execute("ROLLBACK").await.unwrap();
    (outside, good.len())
}

/// Modules of `sides-schema` whose queries a crate asks, and whose table it does not list.
fn unlisted(name: &str, lists: &[&str]) -> Vec<String> {
    let mut sources = String::new();
    text_of(&sources_of(name), &mut sources);
    let has = |table: &str| lists.iter().any(|list| tables_of(list).iter().any(|(name, _)| *name == table));
    let tables = schema::TABLES.iter().map(|(table, _)| (table, table.trim_start_matches("sides.")));
    let asked =
        tables.filter(|(_, module)| name != "schema" && sources.contains(&format!("schema::{module}")));
    asked
        .filter(|(table, _)| !has(table))
        .map(|(table, _)| format!("{name}: {table} is not listed"))
        .collect()
}

fn text_of(folder: &Path, text: &mut String) {
    for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            text_of(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            *text += &fs::read_to_string(&path).unwrap();
        }
    }
}

fn is_sql(text: &str) -> bool {
    BEGINNINGS.iter().any(|beginning| text.trim_start().starts_with(beginning))
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_sql_names_nothing_but_what_its_crate_lists() {
    let database = TestDatabase::create().await;
    let whole = catalogue(&database).await;
    let (mut found, mut read) = (Vec::new(), 0);
    for (name, lists) in SCHEMAS {
        let (outside, good) = outside(&database, &whole, name, lists).await;
        found.extend(outside);
        read += good;
    }
    assert!(
        found.is_empty(),
        "write these tables and columns down in the crate's list:\n{}",
        found.join("\n\n")
    );
    assert!(read > 40, "only {read} texts were understood");
    // What a list lacks is noticed.
    let (outside, _) = outside(&database, &whole, "queue", &["process"]).await;
    assert!(outside.iter().any(|one| one.contains("fang_tasks")), "{outside:?}");
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
