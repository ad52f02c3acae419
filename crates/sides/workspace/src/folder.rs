//! The workspace's directory, and `.sides/` in it.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use platform::procfile;

/// A checkout: the folder with the Procfiles.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

/// Why a folder is not a workspace, or cannot be used as one.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The named folder cannot be entered.
    #[error("there is no directory {}", .0.display())]
    NoFolder(PathBuf, #[source] io::Error),
    /// Neither the folder nor one above it has a Procfile.
    #[error(
        "no Procfile.<name> in {} or any directory above it: change to the workspace, or name it with --root",
        .0.display()
    )]
    NotFound(PathBuf),
    /// A folder of `.sides/` cannot be made.
    #[error("cannot create the directory {}", .0.display())]
    Create(PathBuf, #[source] io::Error),
}

impl Workspace {
    /// The named folder, or the nearest one upwards from here with a Procfile.
    pub fn find(named: Option<&Path>) -> Result<Self, WorkspaceError> {
        let start = named.unwrap_or(Path::new("."));
        let start =
            start.canonicalize().map_err(|error| WorkspaceError::NoFolder(start.to_owned(), error))?;
        if named.is_some() {
            return Ok(Self { root: start });
        }
        let found = start
            .ancestors()
            .find(|folder| !matches!(procfile::discover(folder), Err(procfile::ProcfileError::None(_))));
        match found {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => Err(WorkspaceError::NotFound(start)),
        }
    }

    /// Says which Procfiles are another tool's, for anyone who expects a process of that name.
    pub fn say_what_is_left_out(&self) {
        for foreign in procfile::look(&self.root).map(|found| found.foreign).unwrap_or_default() {
            eprintln!("! {foreign}");
        }
    }

    /// The folder with the Procfiles.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What this workspace keeps between runs. Others may pass through it (a private Postgres runs as another
    /// user), so what is secret in it is protected file by file.
    pub fn state_folder(&self) -> PathBuf {
        self.root.join(".sides")
    }

    /// The secret that signs the developer in.
    pub fn admin_token_file(&self) -> PathBuf {
        self.state_folder().join("admin_token")
    }

    /// The private Postgres.
    pub fn postgres_folder(&self) -> PathBuf {
        self.state_folder().join("postgres")
    }

    /// What belongs to the running `dev`; only its user may enter.
    pub fn run_folder(&self) -> PathBuf {
        self.state_folder().join("run")
    }

    /// What the processes of a host print.
    pub fn logs_folder(&self) -> PathBuf {
        self.state_folder().join("logs")
    }

    /// The programs that `dev` runs.
    pub fn programs_folder(&self) -> PathBuf {
        self.run_folder().join("programs")
    }

    /// What `release` has built, by process and digest.
    pub fn releases_folder(&self) -> PathBuf {
        self.state_folder().join("releases")
    }

    /// Makes `.sides/` and what commands need in it.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub fn create_folders(&self) -> Result<(), WorkspaceError> {
        for (folder, mode) in
            [(self.state_folder(), 0o755), (self.run_folder(), 0o700), (self.logs_folder(), 0o700)]
        {
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(&folder)
                .map_err(|error| WorkspaceError::Create(folder, error))?;
        }
        Ok(())
    }

    /// `path` as a person in the workspace would type it.
    pub fn relative(&self, path: &Path) -> PathBuf {
        let here = std::env::current_dir().unwrap_or_else(|_| self.root.clone());
        path.strip_prefix(here).unwrap_or(path).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Workspace::find(Some(&folder.path().join("gone"))).is_err());
    }
}
