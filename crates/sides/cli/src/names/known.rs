//! The names that exist in a workspace and its database.

use platform::procfile;
pub(crate) use schema::names::{Names, known};
use workspace::Workspace;

/// The processes that have a Procfile.
pub(crate) fn processes(workspace: &Workspace) -> Vec<String> {
    let found = procfile::look(workspace.root()).map(|found| found.procfiles).unwrap_or_default();
    found.into_iter().map(|procfile| procfile.name).collect()
}
