//! Changes that reach no program.

use super::guess::Process;
use crate::git::Repository;
use workspace::inputs::Input;

/// What changed since a commit and is in none of the programs.
pub(super) fn changes(repository: &Repository, commit: &str, processes: &[Process]) -> Vec<String> {
    let differs = |path: &String| {
        processes.iter().flat_map(|process| &process.walks).any(|walk| match &walk.difference.input {
            Input::File { path: named, .. } => named == path,
            _ => false,
        })
    };
    // These are told as settings and packages.
    let is_told = |path: &String| {
        ["Cargo.toml", "Cargo.lock"].contains(&path.as_str()) || path.starts_with("Procfile.")
    };
    let changed = repository.changed_since(commit);
    changed.into_iter().filter(|path| !differs(path) && !is_told(path)).collect()
}
