//! Dependencies are what `deny.toml` allows: one version of each or a reason, licences, the registry. `cargo deny check`
//! says the same, and more, where it is installed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use cargo_metadata::{Metadata, MetadataCommand, PackageId};
use toml::Table;

use crate::programs;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(programs::workspace().join("Cargo.toml"));
    command.other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned));
    command.exec().unwrap()
}

fn rules() -> Table {
    fs::read_to_string(programs::workspace().join("deny.toml")).unwrap().parse().unwrap()
}

/// The names in a list of `bans`, each with a reason.
fn listed(rules: &Table, list: &str) -> Vec<String> {
    let entries = rules["bans"][list].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let reason = entry.get("reason").and_then(toml::Value::as_str).unwrap_or_default();
            assert!(reason.len() > 5, "{entry} has no reason");
            entry["crate"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// What comes in more than one version, found without going beyond some dependencies or to some versions.
fn duplicates(
    metadata: &Metadata,
    beyond: &[String],
    skipped: &[String],
) -> BTreeMap<String, BTreeSet<String>> {
    let nodes: BTreeMap<&PackageId, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let mut todo: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    let (mut seen, mut versions) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    while let Some(id) = todo.pop() {
        let package = &metadata[id];
        if !seen.insert(id) || beyond.iter().any(|name| *name == package.name.as_str()) {
            continue;
        }
        let (name, version) = (package.name.to_string(), package.version.to_string());
        let is_skipped = |entry: &String| {
            let (skipped, prefix) = entry.split_once('@').unwrap();
            skipped == name && version.starts_with(&format!("{prefix}."))
        };
        if !skipped.iter().any(is_skipped) {
            versions.entry(name).or_default().insert(version);
        }
        todo.extend(&nodes[id].dependencies);
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

#[test]
fn a_dependency_that_comes_twice_has_a_reason() {
    let (metadata, rules) = (metadata(), rules());
    let (trees, skipped) = (listed(&rules, "skip-tree"), listed(&rules, "skip"));
    // Without one of the trees, or one of the skipped.
    let left = |tree: Option<usize>, skip: Option<usize>| {
        let all_but = |all: &[String], one: Option<usize>| {
            let kept = all.iter().enumerate().filter(|(at, _)| Some(*at) != one);
            kept.map(|(_, name)| name.clone()).collect::<Vec<_>>()
        };
        duplicates(&metadata, &all_but(&trees, tree), &all_but(&skipped, skip))
    };
    assert_eq!(left(None, None), BTreeMap::new(), "it has no reason in deny.toml");
    for (at, name) in trees.iter().enumerate() {
        assert!(!left(Some(at), None).is_empty(), "{name} in deny.toml is needed no more");
    }
    for (at, name) in skipped.iter().enumerate() {
        assert!(!left(None, Some(at)).is_empty(), "{name} in deny.toml is needed no more");
    }
}

#[test]
fn licences_and_sources_are_allowed() {
    let (metadata, rules) = (metadata(), rules());
    let allowed: Vec<&str> =
        rules["licenses"]["allow"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let source = package.source.as_ref().map_or(REGISTRY, |source| source.repr.as_str());
        if source != REGISTRY {
            faults.push(format!("{} comes from {source}", package.name));
        }
        let licence = package.license.as_deref().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            faults.push(format!("{}: {licence}", package.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether one of the alternatives is allowed whole. No licence here nests deeper than `(A OR B) AND C`.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in expression.replace(" AND ", "&").chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            '&' if depth == 0 => parts.push(String::new()),
            other => parts.last_mut().unwrap().push(other),
        }
    }
    let alternatives = |part: &String| part.split(" OR ").any(|one| allowed.contains(&one.trim()));
    if expression.contains('(') {
        return parts.iter().all(alternatives);
    }
    expression.split(" OR ").any(|one| one.split(" AND ").all(|part| allowed.contains(&part.trim())))
}

#[test]
fn alternatives_are_understood() {
    let is_allowed = |expression| is_allowed(expression, &["MIT", "Zlib"]);
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0 / MIT",
        "MIT AND Zlib",
        "(GPL-3.0 OR MIT) AND Zlib",
        "GPL-3.0 AND X OR MIT",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "none", ""] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
