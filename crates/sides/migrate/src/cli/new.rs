//! `new`: creates a directory with both files.

use std::{fs, io, path::Path};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{MigrateError, MigrationError};

/// Fails until it is written: a `dev` that runs applies what is saved, and an applied file must not be changed.
const UP: &str = "-- The change, instead of the next line. Try it before you ship it: migration check\nDO $$ BEGIN RAISE \
                  EXCEPTION 'this migration is not written yet'; END $$;\n";
const DOWN: &str = "-- The reverse of up.sql. Without this file the migration cannot be reverted, and `down` \
                    says so.\n";

/// Makes the folder and returns its name.
pub(crate) fn new(folder: &Path, name: &str) -> Result<String, MigrateError> {
    let words: String = name
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '_' })
        .collect();
    let name = format!("{}_{}", free_version(folder, Utc::now()), words.trim_matches('_'));
    let own = folder.join(&name);
    let made = fs::create_dir_all(folder)
        .and_then(|()| fs::create_dir(&own))
        .and_then(|()| fs::write(own.join("up.sql"), UP))
        .and_then(|()| fs::write(own.join("down.sql"), DOWN));
    made.map_err(|source: io::Error| MigrationError::Unwritten { path: own, source })?;
    Ok(name)
}

/// The moment as a version; a later one where a migration has it already, as they are applied in the order of their versions.
fn free_version(folder: &Path, now: DateTime<Utc>) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let taken: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let mut version = now;
    loop {
        let text = version.format("%Y-%m-%d-%H%M%S").to_string();
        if !taken.iter().any(|name| name.starts_with(&text)) {
            return text;
        }
        version += TimeDelta::seconds(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_one_moment_are_in_the_order_in_which_they_were_made_and_neither_can_be_applied_before_it_is_written()
     {
        let folder = tempfile::tempdir().unwrap();
        let made = ["later", "earlier", "amid"].map(|name| new(folder.path(), name).unwrap());
        assert!(made.is_sorted(), "{made:?}");
        let versions = made.each_ref().map(|name| name.split('_').next().unwrap());
        assert!(versions[0] != versions[1] && versions[1] != versions[2], "{made:?}");
        let up = fs::read_to_string(folder.path().join(&made[0]).join("up.sql")).unwrap();
        assert!(up.contains("this migration is not written yet"), "{up}");
    }
}
