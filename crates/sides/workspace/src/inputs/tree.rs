//! A workspace's files, in a directory or in a commit.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files by their path from the workspace's root, with `/`.
pub trait Tree {
    /// The content; `None` where there is no such file.
    fn read(&self, path: &str) -> Option<Vec<u8>>;

    /// Every file below a folder (`""` is the root), at any depth, sorted. What is hidden and what cargo builds is left
    /// out.
    fn list(&self, folder: &str) -> Vec<String>;

    /// The content as text.
    fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.read(path)?).ok()
    }
}

/// The work tree.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The work tree in this folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self(root.to_owned())
    }
}

impl Tree for Folder {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(path)).ok()
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.0, folder, &mut found);
        found.sort();
        found
    }
}

fn walk(root: &Path, folder: &str, found: &mut Vec<String>) {
    // A folder that cannot be read has nothing that cargo could build from either.
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = join(folder, &name);
        if is_left_out(&path) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(root, &path, found),
            Ok(_) => found.push(path),
            Err(_) => {}
        }
    }
}

/// Whether any part of the path is hidden or is cargo's own folder.
pub fn is_left_out(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part == "target")
}

/// `path` below `folder`, with `.` and `..` resolved; what leaves the root keeps its `..`.
pub(crate) fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_text() {
        for (folder, path, joined) in [
            ("crates/web", "../models", "crates/models"),
            ("", "./a//b", "a/b"),
            ("crates/web/src", "../../../migrations", "migrations"),
            ("a", "../../b", "../b"),
        ] {
            assert_eq!(join(folder, path), joined, "{folder} {path}");
        }
    }

    #[test]
    fn hidden_files_and_what_was_built_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["src/main.rs", "target/debug/web", ".git/HEAD", "b.txt"] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "text").unwrap();
        }
        let tree = Folder::new(folder.path());
        assert_eq!(tree.list(""), ["b.txt", "src/main.rs"]);
        assert_eq!(tree.text("b.txt").as_deref(), Some("text"));
        assert_eq!(tree.read("gone"), None);
    }
}
