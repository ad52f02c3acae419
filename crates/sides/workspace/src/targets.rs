//! `deploy/targets.toml`: which process runs where.

use platform::{procfile, targets::Targets};

use crate::Workspace;

/// The variable with the key to Heroku's API.
pub const HEROKU_KEY: &str = "HEROKU_API_KEY";

/// What `deploy/targets.toml` says.
///
/// # Errors
/// When the file names a process that has no Procfile, or cannot be understood.
pub fn targets(workspace: &Workspace) -> anyhow::Result<Targets> {
    let known: Vec<String> =
        procfile::discover(workspace.root())?.into_iter().map(|procfile| procfile.name).collect();
    Ok(Targets::read(&workspace.root().join("deploy/targets.toml"), &known)?)
}
