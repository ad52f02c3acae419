//! Each table of schema `sides` has one owner, which alone writes SQL on it; the chassis knows no process by its name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::visit::{self, Visit};

use crate::programs;

/// The folders in which a table's SQL stands. The queue's crate claims, finishes and enqueues jobs, and is linked by those
/// that do; what the command line, a release and the controller ask of its tables, they ask the schema's `jobs` and `names`.
fn owners(table: &str) -> &'static [&'static str] {
    match table {
        "fang_tasks" | "runners" | "runner_sessions" | "claim_places" | "job_history" | "job_attempts"
        | "job_rules" | "job_notes" => {
            &["crates/sides/queue/src/", "crates/sides/schema/src/jobs/", "crates/sides/schema/src/names.rs"]
        }
        _ => &["crates/sides/schema/src/"],
    }
}

/// The texts in the code of a file, without its tests and its comments.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'ast> Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // The arguments of a macro are no syntax; its texts still are tokens, and so are the tables of `table!`.
        if call.path.segments.last().is_some_and(|name| name.ident == "table") {
            self.0.push(call.tokens.to_string().replace(" . ", ".") + " FROM");
        }
        texts_of(call.tokens.clone(), &mut self.0);
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            visit::visit_item_mod(self, module);
        }
    }
}

fn texts_of(tokens: proc_macro2::TokenStream, texts: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => texts_of(group.stream(), texts),
            proc_macro2::TokenTree::Literal(literal) => {
                if let Ok(syn::Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                    texts.push(text.value());
                }
            }
            _ => {}
        }
    }
}

/// What runs in a program or is linked into one: no tests, examples or benchmarks, and nothing for those.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![programs::workspace().join("crates")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let for_tests =
                ["tests", "examples", "benches", "templates", "testing", "simulator", "peers", "target"];
            if path.is_dir() && !for_tests.contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "build.rs" {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn texts(file: &Path) -> Vec<String> {
    let mut texts = Texts::default();
    texts.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    texts.0
}

/// The tables that a text of SQL names; a sentence for people that names one is none.
fn tables_in(text: &str, tables: &BTreeSet<String>) -> BTreeSet<String> {
    let words = ["FROM", "INTO", "UPDATE", "JOIN", "DELETE", "regclass"];
    if !words.iter().any(|word| text.contains(word)) {
        return BTreeSet::new();
    }
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '(');
    let named = |table: &&String| {
        let name = format!("sides.{table}");
        text.match_indices(&name).any(|(at, _)| ends(&text[at + name.len()..]))
    };
    tables.iter().filter(named).cloned().collect()
}

/// Every table, as the two owners list them.
fn tables() -> BTreeSet<String> {
    let all = schema::TABLES.iter().chain(queue::SCHEMA);
    let all = all.map(|(name, _)| name.trim_start_matches("sides.").to_owned());
    all.collect()
}

#[test]
fn a_table_of_the_chassis_is_named_in_the_sql_of_its_owner_alone() {
    let tables = tables();
    assert!(tables.len() >= 16, "{tables:?}");
    let (mut faults, mut owned) = (Vec::new(), 0);
    for file in sources() {
        let path = file.strip_prefix(programs::workspace()).unwrap().to_string_lossy().into_owned();
        for text in texts(&file) {
            for table in tables_in(&text, &tables) {
                if owners(&table).iter().any(|owner| path.starts_with(owner)) {
                    owned += 1;
                } else {
                    faults
                        .push(format!("{path}: sides.{table}, whose SQL belongs into {:?}", owners(&table)));
                }
            }
        }
    }
    assert!(faults.is_empty(), "ask the owner's functions instead:\n{}", faults.join("\n"));
    assert!(owned > 60, "only {owned} texts of the owners were understood");
}

#[test]
fn the_row_of_a_job_is_written_in_one_file() {
    let writes =
        |file: &PathBuf| texts(file).iter().any(|text| text.contains("INSERT INTO sides.fang_tasks"));
    let found: Vec<_> = sources().into_iter().filter(writes).collect();
    assert_eq!(found, [programs::workspace().join("crates/sides/queue/src/insert.rs")]);
}

#[test]
fn a_table_is_told_from_a_sentence_and_from_another_of_a_longer_name() {
    let tables = tables();
    let named = |text: &str| tables_in(text, &tables).into_iter().collect::<Vec<_>>();
    assert_eq!(named("SELECT 1 FROM sides.ticks JOIN sides.runners ON true"), ["runners", "ticks"]);
    assert_eq!(named("SELECT to_regclass('sides.instances')"), ["instances"]);
    assert!(named("SELECT 1 FROM sides.schedules_of_old").is_empty());
    assert!(named("it leaves a row in sides.actions").is_empty());
}

/// Words of others, each defined once: the role that databases have for whoever fires schedules, and what Procfiles (and with
/// them Heroku's router) call the process that answers visitors.
const DEFINED: [(&str, &str); 2] = [
    ("crates/sides/migrate/src/roles.rs", "sides_clock"),
    ("crates/sides/platform/src/procfile/mod.rs", "web"),
];

/// Whether a text names a process of the application, or the role of one.
fn names_a_process(text: &str) -> bool {
    let roles = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    ["web", "worker", "clock"].iter().any(|process| {
        text == *process
            || text.contains(&format!("'{process} %'"))
            || roles.clone().any(|role| role == format!("sides_{process}"))
    })
}

#[test]
fn the_chassis_knows_no_process_by_its_name() {
    let mut found = Vec::new();
    let sql = ["migrate/src/roles.sql", "migrate/src/role.sql"].map(|name| {
        let path = programs::workspace().join("crates/sides").join(name);
        (path.clone(), vec![fs::read_to_string(path).unwrap()])
    });
    let rust = sources().into_iter().map(|file| (file.clone(), texts(&file)));
    for (file, texts) in rust.chain(sql) {
        let path = file.strip_prefix(programs::workspace()).unwrap().to_string_lossy().into_owned();
        if path.starts_with("crates/sides/") {
            let names = texts.into_iter().filter(|text| names_a_process(text));
            found.extend(names.map(|text| (path.clone(), text)));
        }
    }
    let defined = DEFINED.map(|(path, text)| (path.to_owned(), text.to_owned()));
    assert_eq!(found, defined, "ask what a process does (listens, works, fires), not what it is called");
    assert!(
        names_a_process("web")
            && names_a_process("asked_by LIKE 'clock %'")
            && names_a_process("TO sides_clock;")
    );
    assert!(!names_a_process("a worker died") && !names_a_process("sides_clock_ticks_total"));
}
