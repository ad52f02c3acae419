//! A git repository for a new workspace.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Makes `folder` a git repository, as `cargo new` does, unless it lies in one. Returns whether it did. Without git there is
/// none, which keeps nothing else from working.
#[must_use]
pub fn git_init(folder: &Path) -> bool {
    !succeeds(folder, &["rev-parse", "--is-inside-work-tree"]) && succeeds(folder, &["init", "--quiet"])
}

fn succeeds(folder: &Path, words: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.current_dir(folder).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_made_unless_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert!(git_init(folder.path()));
        assert!(folder.path().join(".git").is_dir());
        assert!(!git_init(&inner), "it lies in a repository");
        assert!(!inner.join(".git").exists());
    }
}
