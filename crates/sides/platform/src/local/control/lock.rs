//! One `dev` or host per workspace.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::ControlError;

const NAME: &str = "dev.lock";
/// Somebody who only asks holds the lock for a moment.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(5);

/// Held as long as this value lives, and by no dead process.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a run folder, which must be there; `None` when another process holds it.
    ///
    /// # Errors
    /// When the file cannot be made or locked.
    pub fn take(run_folder: &Path) -> Result<Option<Self>, ControlError> {
        for _ in 0..TRIES {
            if let Some(lock) = Self::try_once(run_folder)? {
                return Ok(Some(lock));
            }
            thread::sleep(BETWEEN);
        }
        Ok(None)
    }

    /// Whether someone holds the lock now. Asking leaves no traces.
    ///
    /// # Errors
    /// As for [`Lock::take`].
    pub fn is_held(run_folder: &Path) -> Result<bool, ControlError> {
        if !run_folder.exists() {
            return Ok(false);
        }
        Ok(Self::try_once(run_folder)?.is_none())
    }

    /// Where the lock of a run folder lies.
    #[must_use]
    pub fn path(run_folder: &Path) -> PathBuf {
        run_folder.join(NAME)
    }

    /// The file whose lock this is: a program that takes this one's place inherits it, and with it the lock.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The lock that a predecessor in this very process held.
    #[must_use]
    pub fn inherited(file: File) -> Self {
        Self { file }
    }

    fn try_once(run_folder: &Path) -> Result<Option<Self>, ControlError> {
        let path = Self::path(run_folder);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(|error| ControlError::File(path.clone(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(ControlError::Lock(path, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_asking_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        assert!(!Lock::is_held(&run).unwrap());
        assert!(!run.exists());
        std::fs::create_dir(&run).unwrap();
        let held = Lock::take(&run).unwrap().unwrap();
        assert!(Lock::take(&run).unwrap().is_none());
        assert!(Lock::is_held(&run).unwrap());
        drop(held);
        assert!(!Lock::is_held(&run).unwrap());
    }
}
