//! `export`: writes every migration as a directory for diesel's own tools.

use std::{fs, io, path::Path};

use crate::{Metadata, MigrateError, Migration, MigrationError, script::Script};

/// Writes them below `to`, which must not have them yet, and gives their names.
pub(crate) fn export(all: &[Migration], to: &Path) -> Result<Vec<String>, MigrateError> {
    for migration in all {
        let own = to.join(migration.name());
        // Diesel takes a missing setting for false where there is such a file, and for true where there is none.
        let run_in_transaction = Some(Script::up(migration)?.in_transaction);
        let metadata = Metadata { run_in_transaction, ..migration.metadata().clone() };
        let made = fs::create_dir_all(to)
            .and_then(|()| fs::create_dir(&own))
            .and_then(|()| fs::write(own.join("up.sql"), migration.up()))
            .and_then(|()| migration.down().map_or(Ok(()), |down| fs::write(own.join("down.sql"), down)))
            .and_then(|()| toml::to_string(&metadata).map_err(io::Error::other))
            .and_then(|text| fs::write(own.join("metadata.toml"), text));
        made.map_err(|source| MigrationError::Unwritten { path: own, source })?;
    }
    Ok(all.iter().map(|one| one.name().to_owned()).collect())
}
