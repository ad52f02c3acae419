//! Files to write, all together.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::NewError;

/// A file that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is, from the workspace's folder.
    pub file: PathBuf,
    /// Whether it was there before.
    pub is_changed: bool,
}

/// Collects what is to be written, so that a fault in a part of it leaves nothing half done.
pub(crate) struct Changes<'a> {
    root: &'a Path,
    files: Vec<(Written, String)>,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root, files: Vec::new() }
    }

    /// A file that must not be there yet.
    pub(crate) fn create(
        &mut self,
        file: impl Into<PathBuf>,
        text: impl Into<String>,
    ) -> Result<(), NewError> {
        let file = file.into();
        if self.root.join(&file).exists() {
            return Err(NewError::Exists(self.root.join(file)));
        }
        self.files.push((Written { file, is_changed: false }, text.into()));
        Ok(())
    }

    /// A file that is there.
    pub(crate) fn change(
        &mut self,
        file: &str,
        edit: impl FnOnce(&str) -> Result<String, (&'static str, String)>,
    ) -> Result<(), NewError> {
        let path = self.root.join(file);
        let text = fs::read_to_string(&path).map_err(|source| NewError::File {
            doing: "read",
            file: path.clone(),
            source,
        })?;
        let text = edit(&text).map_err(|(place, line)| NewError::Place { file: path, place, line })?;
        self.files.push((Written { file: file.into(), is_changed: true }, text));
        Ok(())
    }

    /// Writes all of them.
    pub(crate) fn write(self) -> Result<Vec<Written>, NewError> {
        let mut written = Vec::new();
        for (one, text) in self.files {
            let path = self.root.join(&one.file);
            put(&path, &text).map_err(|source| NewError::File { doing: "write", file: path, source })?;
            written.push(one);
        }
        Ok(written)
    }
}

fn put(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    if text.starts_with("#!") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
