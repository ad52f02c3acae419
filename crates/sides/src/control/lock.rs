//! One `dev` per workspace.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
};

use anyhow::Context as _;

use crate::workspace::Workspace;

/// Held as long as this value lives, and by no dead process.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the workspace's lock; `None` when another process holds it.
    pub(crate) fn take(workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        workspace.create_folders()?;
        let path = workspace.run_folder().join("dev.lock");
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(explain(error, &path)),
        }
    }

    /// Whether someone holds the lock now.
    pub(crate) fn is_held(workspace: &Workspace) -> anyhow::Result<bool> {
        // No folder, no dev: asking must not leave traces.
        if !workspace.run_folder().exists() {
            return Ok(false);
        }
        Ok(Self::take(workspace)?.is_none())
    }
}

fn explain(error: io::Error, path: &std::path::Path) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "cannot lock {}: the workspace must lie on a file system with locks",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_asking_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::find(Some(folder.path())).unwrap();
        assert!(!Lock::is_held(&workspace).unwrap());
        assert!(!workspace.state_folder().exists());
        let held = Lock::take(&workspace).unwrap().unwrap();
        assert!(Lock::take(&workspace).unwrap().is_none());
        assert!(Lock::is_held(&workspace).unwrap());
        drop(held);
        assert!(!Lock::is_held(&workspace).unwrap());
    }
}
