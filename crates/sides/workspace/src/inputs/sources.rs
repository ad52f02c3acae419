//! Which files a crate is built from, as far as its folder and its sources tell.

use std::collections::BTreeSet;

use super::tree::{Tree, is_left_out, join};

/// Folders of a package that only tests, benchmarks and readers use.
const BESIDE: [&str; 3] = ["tests", "benches", "examples"];

/// Macros that take a file's content into the program.
const TAKES_IN: [&str; 5] = ["include_str!", "include_bytes!", "include!", "embed_migrations!", "#[path ="];

/// The files of the package in `folder`. `others` are the folders of all packages: what lies in one of them is not
/// this one's. Files that the sources or the build script name are among them, wherever they lie.
pub(super) fn files(tree: &impl Tree, folder: &str, others: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut files: BTreeSet<String> = tree
        .list(folder)
        .into_iter()
        .filter(|path| counts(path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/')))
        .filter(|path| !lies_in_another(path, folder, others))
        .collect();
    let mut open: Vec<String> = files.iter().filter(|path| path.ends_with(".rs")).cloned().collect();
    while let Some(path) = open.pop() {
        let Some(text) = tree.text(&path) else { continue };
        let named = named_files(&text, &path, folder);
        let watched = is_build_script(&path, folder).then(|| watched_files(&text, folder));
        for name in named.into_iter().chain(watched.into_iter().flatten()) {
            for file in below(tree, &name) {
                if files.insert(file.clone()) && file.ends_with(".rs") {
                    open.push(file);
                }
            }
        }
    }
    files
}

/// Whether a file of a package, by its path in it, can get into a program.
fn counts(path: &str) -> bool {
    let top = path.split('/').next().unwrap_or_default();
    // The manifest is read for itself.
    let is_text = !path.contains('/') && (path.ends_with(".md") || path == "Cargo.toml");
    !is_text && !BESIDE.contains(&top)
}

fn lies_in_another(path: &str, folder: &str, others: &BTreeSet<&str>) -> bool {
    let mut above = path;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if parent.len() <= folder.len() {
            return false;
        }
        if others.contains(parent) {
            return true;
        }
        above = parent;
    }
    false
}

fn is_build_script(path: &str, folder: &str) -> bool {
    path == join(folder, "build.rs")
}

/// A file, or every file of a folder.
fn below(tree: &impl Tree, path: &str) -> Vec<String> {
    if path.is_empty() || path.starts_with("..") || is_left_out(path) {
        return Vec::new();
    }
    match tree.read(path) {
        Some(_) => vec![path.to_owned()],
        None => tree.list(path),
    }
}

/// What the macros of a source file name. What is made by a build script or named by no literal is not found.
fn named_files(text: &str, path: &str, folder: &str) -> Vec<String> {
    let beside = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut found = Vec::new();
    for name in TAKES_IN {
        for (at, _) in text.match_indices(name) {
            // The text of documentation is in no program.
            if text[..at].trim_end().ends_with("doc =") {
                continue;
            }
            let rest = text[at + name.len()..].trim_start().trim_start_matches('(').trim_start();
            let from_package =
                rest.strip_prefix("concat!(env!(\"CARGO_MANIFEST_DIR\"),").map(str::trim_start);
            let base = if from_package.is_some() || name == "embed_migrations!" { folder } else { beside };
            if let Some(literal) = literal(from_package.unwrap_or(rest)) {
                found.push(join(base, literal));
            }
        }
    }
    found
}

/// What a build script asks cargo to watch, by literals.
fn watched_files(text: &str, folder: &str) -> Vec<String> {
    let ends = |c: char| c == '"' || c == '{' || c == '\\';
    let named = text.split("rerun-if-changed=").skip(1).filter_map(|rest| rest.split(ends).next());
    named.filter(|name| !name.is_empty()).map(|name| join(folder, name)).collect()
}

fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split('"').next().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Fixed(BTreeMap<&'static str, &'static str>);

    impl Tree for Fixed {
        fn read(&self, path: &str) -> Option<Vec<u8>> {
            self.0.get(path).map(|text| text.as_bytes().to_vec())
        }

        fn list(&self, folder: &str) -> Vec<String> {
            let inside = |path: &&&str| path.starts_with(&format!("{folder}/"));
            self.0.keys().filter(inside).map(|path| (*path).to_owned()).collect()
        }
    }

    #[test]
    fn files_that_the_sources_take_in_count_wherever_they_are() {
        let tree = Fixed(BTreeMap::from([
            ("crates/web/Cargo.toml", ""),
            ("crates/web/README.md", ""),
            ("crates/web/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\nmod a;"),
            ("crates/web/src/a.rs", "const A: &str = include_str!(\n    \"../tests/given.txt\");"),
            (
                "crates/web/src/b.rs",
                "include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../x.bin\"))",
            ),
            ("crates/web/tests/given.txt", ""),
            ("crates/web/tests/it.rs", ""),
            ("crates/web/assets/style.css", ""),
            ("crates/web/inner/Cargo.toml", ""),
            ("crates/web/inner/src/lib.rs", ""),
            ("crates/web/build.rs", "println!(\"cargo:rerun-if-changed=../../migrations\");"),
            ("migrations/1/up.sql", ""),
            ("x.bin", ""),
            ("y.bin", ""),
        ]));
        let others = BTreeSet::from(["crates/web", "crates/web/inner"]);
        let found: Vec<String> = files(&tree, "crates/web", &others).into_iter().collect();
        let expected = [
            "crates/web/assets/style.css",
            "crates/web/build.rs",
            "crates/web/src/a.rs",
            "crates/web/src/b.rs",
            "crates/web/src/lib.rs",
            "crates/web/tests/given.txt",
            "migrations/1/up.sql",
            "x.bin",
        ];
        assert_eq!(found, expected);
    }
}
