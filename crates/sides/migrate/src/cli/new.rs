//! `new`: creates a directory with both files.

use std::{fs, io, path::Path};

use chrono::Utc;

use crate::{MigrateError, MigrationError};

const UP: &str = "-- The change. Try it before you ship it: migration check\n";
const DOWN: &str = "-- The reverse of up.sql. Without this file the migration cannot be reverted, and `down` \
                    says so.\n";

/// Makes the folder and returns its name.
pub(crate) fn new(folder: &Path, name: &str) -> Result<String, MigrateError> {
    let words: String = name
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '_' })
        .collect();
    let name = format!("{}_{}", Utc::now().format("%Y-%m-%d-%H%M%S"), words.trim_matches('_'));
    let own = folder.join(&name);
    let made = fs::create_dir_all(folder)
        .and_then(|()| fs::create_dir(&own))
        .and_then(|()| fs::write(own.join("up.sql"), UP))
        .and_then(|()| fs::write(own.join("down.sql"), DOWN));
    made.map_err(|source: io::Error| MigrationError::Unwritten { path: own, source })?;
    Ok(name)
}
