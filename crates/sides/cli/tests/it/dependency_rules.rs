//! Who may know whom, read from the real package graph.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::programs;

/// A crate, and what it must never reach, neither itself nor through another. Tests may.
const NEVER: &[(&str, &[&str])] = &[
    ("jobs", &["diesel", "tokio", "tokio-postgres", "actix-web", "reqwest", "fang"]),
    ("models", &["jobs", "sides-queue", "sides-process", "actix-web", "reqwest"]),
    ("web", &["sides-planner", "reqwest"]),
    ("worker", &["sides-planner"]),
    ("clock", &["models", "sides-planner"]),
    ("sides-job", &["diesel", "tokio", "tokio-postgres", "actix-web", "reqwest", "fang"]),
    ("sides-queue", &["sides-process", "actix-web", "reqwest"]),
    ("sides-process", &["sides-job", "sides-queue", "sides-planner"]),
    ("sides-web", &["sides-planner", "sides-migrate", "sides-platform", "reqwest"]),
    ("sides-scheduler", &["sides-platform", "sides-controller", "sides-planner", "reqwest"]),
    ("sides-controller", &["sides-queue", "sides-scheduler", "sides-planner"]),
    ("sides-egress", &["diesel", "tokio", "tokio-postgres", "reqwest", "actix-web"]),
    ("sides-fetch", &["diesel", "tokio-postgres", "actix-web", "sides-process"]),
    ("sides-migrate", &["sides-job", "sides-queue", "sides-process"]),
    ("migrate", &["models", "sides-job", "sides-queue", "sides-process"]),
    ("sides-schema", &["sides-job", "sides-queue", "sides-process", "actix-web", "reqwest"]),
    ("sides-platform", &["sides-job", "sides-queue", "diesel", "tokio-postgres"]),
    ("sides-heroku", &["sides-job", "sides-queue", "diesel", "tokio-postgres", "sides-process"]),
    ("sides-install", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
    ("sides-launch", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix", "sides-postgres"]),
    ("sides-postgres", &["diesel", "tokio-postgres"]),
    ("sides-workspace", &["sides-job", "sides-queue", "sides-process", "sides-heroku", "sides-terminal"]),
    ("sides-host", &["sides-deploy", "sides-dev", "sides-heroku", "sides-planner", "sides-migrate"]),
    ("sides-dev", &["sides-deploy", "sides-heroku", "sides-planner", "sides-migrate"]),
    ("sides-deploy", &["sides-terminal", "sides-host", "sides-dev", "sides-queue", "sides-process"]),
    ("sides-cli", &["sides-queue"]),
    ("sides-new", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
    ("sides-autoscale", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
    ("sides-schedule", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
    ("sides-planner", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
    ("sides-manifest", &["diesel", "tokio", "tokio-postgres", "reqwest", "nix"]),
];

/// Crates that know no other crate of the workspace.
const ALONE: &[&str] = &[
    "sides-job",
    "sides-database",
    "sides-install",
    "sides-manifest",
    "sides-manifest-macros",
    "sides-platform",
    "sides-autoscale",
    "sides-schedule",
    "sides-terminal",
    "sides-egress",
];

/// What only the compiler runs: it is in no process.
const COMPILE_TIME: &[&str] = &["sides-manifest-macros"];

/// What a team writes: the chassis, all that is named `sides-…`, may know none of it.
const APPLICATION: &[&str] = &["jobs", "models", "web", "worker", "clock", "migrate"];

/// Programs: nothing may depend on them.
const PROGRAMS: &[&str] = &["web", "worker", "clock", "migrate", "sides-cli"];

/// What only tests may use.
const FOR_TESTS: &[&str] = &["sides-testing", "sides-simulator"];

pub(crate) struct Graph {
    members: BTreeSet<String>,
    /// What each member reaches, over any number of steps.
    reaches: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    pub(crate) fn read() -> Self {
        let manifest = programs::workspace().join("Cargo.toml");
        let mut command = MetadataCommand::new();
        let metadata = command.manifest_path(manifest).other_options(["--locked".to_owned()]).exec().unwrap();
        let edges = edges(&metadata);
        let names: BTreeMap<_, _> =
            metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
        let reaches = metadata
            .workspace_members
            .iter()
            .map(|member| {
                let reached = reached(member, &edges).into_iter().map(|id| names[id].clone()).collect();
                (names[member].clone(), reached)
            })
            .collect();
        let members = metadata.workspace_members.iter().map(|member| names[member].clone()).collect();
        Self { members, reaches }
    }

    /// The crates of the workspace that are linked into a program, itself among them.
    pub(crate) fn linked(&self, program: &str) -> BTreeSet<String> {
        let linked = self.reaches[program].iter().filter(|name| self.members.contains(*name));
        linked
            .filter(|name| !COMPILE_TIME.contains(&name.as_str()))
            .cloned()
            .chain([program.to_owned()])
            .collect()
    }

    fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut forbid = |from: &str, to: &str| {
            if from != to && self.reaches[from].contains(to) {
                broken.push(format!("{from} must not know {to}"));
            }
        };
        for (from, nevers) in NEVER {
            nevers.iter().for_each(|to| forbid(from, to));
        }
        for from in &self.members {
            PROGRAMS.iter().for_each(|to| forbid(from, to));
            if !FOR_TESTS.contains(&from.as_str()) {
                FOR_TESTS.iter().for_each(|to| forbid(from, to));
            }
            if from.starts_with("sides-") {
                APPLICATION.iter().for_each(|to| forbid(from, to));
            }
        }
        for from in ALONE {
            let others = self.members.iter().filter(|to| !COMPILE_TIME.contains(&to.as_str()));
            others.for_each(|to| forbid(from, to));
        }
        broken
    }
}

/// Dependencies of the programs themselves: not those of tests.
fn edges(metadata: &Metadata) -> BTreeMap<&PackageId, Vec<&PackageId>> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let shipped = |dependency: &&cargo_metadata::NodeDep| {
        dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
    };
    nodes
        .iter()
        .map(|node| (&node.id, node.deps.iter().filter(shipped).map(|dependency| &dependency.pkg).collect()))
        .collect()
}

fn reached<'a>(
    from: &PackageId,
    edges: &BTreeMap<&'a PackageId, Vec<&'a PackageId>>,
) -> BTreeSet<&'a PackageId> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&PackageId> = edges[from].clone();
    while let Some(package) = open.pop() {
        if let Some((&package, _)) = edges.get_key_value(package)
            && reached.insert(package)
        {
            open.extend(&edges[package]);
        }
    }
    reached
}

#[test]
fn every_rule_holds_in_the_real_graph() {
    let broken = Graph::read().broken_rules();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Built alone, each has the features that it asks for itself; the graph above has those of all together.
#[test]
fn only_the_worker_is_built_with_fang_and_sqlx() {
    for (package, has_them) in [("worker", true), ("web", false), ("clock", false), ("sides-queue", false)] {
        let output = std::process::Command::new(env!("CARGO"))
            .current_dir(programs::workspace())
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.contains("diesel-async v"), "{package}: {tree}");
        for name in ["fang v", "sqlx v", "sqlx-core v"] {
            let found = tree.lines().any(|line| line.starts_with(name));
            assert_eq!(found, has_them, "{package}: {name}");
        }
    }
}

#[test]
fn every_crate_named_in_a_rule_exists() {
    let graph = Graph::read();
    let named =
        NEVER.iter().map(|(from, _)| from).chain(ALONE).chain(PROGRAMS).chain(APPLICATION).chain(FOR_TESTS);
    let unknown: Vec<_> = named.filter(|name| !graph.members.contains(**name)).collect();
    assert!(unknown.is_empty(), "rules about crates that are not there: {unknown:?}");
    // An empty graph would keep every rule.
    assert!(graph.reaches["worker"].contains("diesel"));
    assert!(graph.reaches["web"].contains("models"));
}

#[test]
fn a_forbidden_edge_is_seen_through_another_crate() {
    let mut graph = Graph::read();
    graph.reaches.get_mut("clock").unwrap().insert("models".to_owned());
    graph.reaches.get_mut("models").unwrap().insert("web".to_owned());
    assert_eq!(
        graph.broken_rules(),
        ["models must not know web", "clock must not know models"]
            .map(str::to_owned)
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
}
