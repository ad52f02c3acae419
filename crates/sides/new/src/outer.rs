//! A workspace around a new one.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The `Cargo.toml` of the workspace that `folder` lies in, if it lies in one. Cargo takes one whose `members` match the new
/// workspace for broken, until its `exclude` names it.
#[must_use]
pub fn outer_workspace(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let manifests = folder.ancestors().skip(1).map(|above| above.join("Cargo.toml"));
    manifests.into_iter().find(|file| {
        fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_workspace_above_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/crates/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("Cargo.toml"), "[workspace]\n").unwrap();
        assert_eq!(outer_workspace(&inner), None, "its own does not count");
        fs::write(outer.join("Cargo.toml"), "[package]\nname = \"outer\"\n").unwrap();
        assert_eq!(outer_workspace(&inner), None, "a package is no workspace");
        fs::write(outer.join("Cargo.toml"), "[workspace]\nmembers = [\"crates/*\"]\n").unwrap();
        assert_eq!(outer_workspace(&inner), Some(outer.canonicalize().unwrap().join("Cargo.toml")));
    }
}
