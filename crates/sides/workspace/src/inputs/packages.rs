//! The workspace's packages, from their manifests: what cargo would report, but for a commit too.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::tree::{Tree, join};

/// One package of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    /// From the root.
    pub folder: String,
    pub programs: Vec<String>,
    /// The folders of the workspace's packages that it is built with, optional ones too.
    pub crates: Vec<String>,
    /// The names of all dependencies it is built with, as `workspace.dependencies` and `Cargo.lock` know them.
    pub dependencies: Vec<Named>,
}

/// A dependency: the name it has here, and the package it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub key: String,
    pub package: String,
    pub from_workspace: bool,
}

/// The packages by folder: the members and, as cargo has it, what they name by path.
pub(crate) fn all(tree: &impl Tree) -> BTreeMap<String, Package> {
    let Some(root) = table(tree, "Cargo.toml") else { return BTreeMap::new() };
    let shared = sub(&root, &["workspace", "dependencies"]).cloned().unwrap_or_default();
    let mut open = members(tree, &root);
    let mut found = BTreeMap::new();
    while let Some(folder) = open.pop() {
        if found.contains_key(&folder) {
            continue;
        }
        if let Some(package) = package(tree, &folder, &shared) {
            open.extend(package.crates.iter().cloned());
            found.insert(folder, package);
        }
    }
    found
}

/// The folders that `workspace.members` names; the root itself when it is a package.
fn members(tree: &impl Tree, root: &Table) -> Vec<String> {
    let mut folders = Vec::new();
    if root.contains_key("package") {
        folders.push(String::new());
    }
    let patterns = root.get("workspace").and_then(|workspace| workspace.get("members"));
    let patterns = patterns.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut manifests: Option<Vec<String>> = None;
    for pattern in patterns {
        let pattern = join("", pattern);
        if !pattern.contains(['*', '?', '[']) {
            folders.push(pattern);
            continue;
        }
        let manifests = manifests.get_or_insert_with(|| {
            tree.list("").into_iter().filter(|path| path.ends_with("/Cargo.toml")).collect()
        });
        let matching = manifests.iter().filter_map(|path| path.strip_suffix("/Cargo.toml"));
        folders.extend(matching.filter(|folder| matches(&pattern, folder)).map(str::to_owned));
    }
    folders
}

/// Part by part; within one, a `*` stands for any text.
fn matches(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let fits = |(pattern, part): (&&str, &&str)| match pattern.split_once('*') {
        Some((front, back)) => {
            part.len() >= front.len() + back.len() && part.starts_with(front) && part.ends_with(back)
        }
        None => pattern == part,
    };
    patterns.len() == parts.len() && patterns.iter().zip(&parts).all(fits)
}

fn package(tree: &impl Tree, folder: &str, shared: &Table) -> Option<Package> {
    let manifest = table(tree, &join(folder, "Cargo.toml"))?;
    let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    let mut crates = Vec::new();
    let mut dependencies = Vec::new();
    for (key, value) in linked(&manifest) {
        let from_workspace = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let (value, base) = match from_workspace {
            true => (shared.get(key), ""),
            false => (Some(value), folder),
        };
        let field = |field: &str| value.and_then(|value| value.get(field)).and_then(Value::as_str);
        if let Some(path) = field("path") {
            crates.push(join(base, path));
        }
        let package = field("package").unwrap_or(key).to_owned();
        dependencies.push(Named { key: key.clone(), package, from_workspace });
    }
    let programs = programs(tree, folder, &manifest, &name);
    Some(Package { name, folder: folder.to_owned(), programs, crates, dependencies })
}

/// The dependencies of a build: not those of tests.
fn linked(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    const KINDS: [&str; 2] = ["dependencies", "build-dependencies"];
    let targets = sub(manifest, &["target"]).into_iter().flatten().filter_map(|(_, value)| value.as_table());
    let tables = std::iter::once(manifest).chain(targets);
    tables.flat_map(|table| KINDS.into_iter().filter_map(move |kind| sub(table, &[kind]))).flatten()
}

fn programs(tree: &impl Tree, folder: &str, manifest: &Table, name: &str) -> Vec<String> {
    let named: Vec<&Value> = manifest.get("bin").and_then(Value::as_array).into_iter().flatten().collect();
    let said = |field: &'static str| named.iter().filter_map(move |bin| bin.get(field)?.as_str());
    let mut programs: Vec<String> = said("name").map(str::to_owned).collect();
    let found = manifest.get("package").and_then(|package| package.get("autobins")).and_then(Value::as_bool);
    if found == Some(false) {
        return programs;
    }
    // A file that a table names is that program's alone.
    let taken: Vec<String> = said("path").map(|path| join(folder, path)).collect();
    let source = join(folder, "src");
    let in_bin = format!("{source}/bin/");
    for path in tree.list(&source).into_iter().filter(|path| !taken.contains(path)) {
        if path == format!("{source}/main.rs") {
            programs.push(name.to_owned());
        } else if let Some(rest) = path.strip_prefix(&in_bin) {
            let single = rest.strip_suffix(".rs").filter(|rest| !rest.contains('/'));
            let folder = rest.strip_suffix("/main.rs").filter(|rest| !rest.contains('/'));
            programs.extend(single.or(folder).map(str::to_owned));
        }
    }
    programs.sort();
    programs.dedup();
    programs
}

pub(super) fn table(tree: &impl Tree, path: &str) -> Option<Table> {
    tree.text(path)?.parse().ok()
}

/// A table within tables.
pub(super) fn sub<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Table> {
    path.iter().try_fold(table, |table, key| table.get(*key)?.as_table())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Folder;

    /// Cargo has the last word on what a manifest means.
    #[test]
    fn this_workspace_is_read_as_cargo_reads_it() {
        use cargo_metadata::{DependencyKind, MetadataCommand, TargetKind};
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap();
        let metadata =
            MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec().unwrap();
        let relative =
            |path: &std::path::Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let ours = all(&Folder::new(&root));
        assert_eq!(ours.len(), metadata.packages.len());
        for theirs in &metadata.packages {
            let folder = relative(theirs.manifest_path.parent().unwrap().as_std_path());
            let package = &ours[&folder];
            let shipped = theirs.dependencies.iter().filter(|one| one.kind != DependencyKind::Development);
            let mut crates: Vec<String> =
                shipped.clone().filter_map(|one| Some(relative(one.path.as_ref()?.as_std_path()))).collect();
            let mut found = package.crates.clone();
            crates.sort();
            found.sort();
            assert_eq!((&package.name, found), (&theirs.name.to_string(), crates));
            let mut names: Vec<&str> = shipped.map(|one| one.name.as_str()).collect();
            let mut found: Vec<&str> = package.dependencies.iter().map(|one| one.package.as_str()).collect();
            names.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, names, "{}", package.name);
            let programs = theirs.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bin));
            let mut programs: Vec<&str> = programs.map(|target| target.name.as_str()).collect();
            programs.sort_unstable();
            assert_eq!(package.programs, programs, "{}", package.name);
        }
    }

    #[test]
    fn patterns_match_part_by_part() {
        assert!(matches("crates/*", "crates/web") && matches("*/a-*", "x/a-b"));
        assert!(!matches("crates/*", "crates/web/inner") && !matches("crates/*", "other/web"));
    }
}
