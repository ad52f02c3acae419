//! The file and line of an error, for annotations in CI.

use std::path::Path;

use crate::{MigrateError, MigrationError, Refusal, Site, check::annotation, shadow::ShadowError};

/// Whether somebody asked for them, or a CI run reads what is printed.
pub(crate) fn are_wanted(asked: bool) -> bool {
    asked || std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The error beside the line that it is about, when it is about one.
pub(crate) fn of(error: &MigrateError, folder: &Path) -> Option<String> {
    let at = |name: &str, file: &str, line| (folder.join(name).join(file).display().to_string(), line);
    let site = |site: &Site| at(&site.name, site.file, site.line);
    let (file, line) = match error {
        MigrateError::Shadow(
            ShadowError::Apply { site: place, .. } | ShadowError::NoExtension { site: place, .. },
        )
        | MigrateError::OwnTransaction(place)
        | MigrateError::NeedsNoTransaction(place)
        | MigrateError::NotForTheServer { site: place, .. }
        | MigrateError::Statement { site: place, .. }
        | MigrateError::DownFails { site: place, .. }
        | MigrateError::NotInBatches { site: place, .. }
        | MigrateError::Locked { site: place, .. } => site(place),
        MigrateError::Refused(Refusal::Edited { name, .. } | Refusal::OutOfOrder { name, .. })
        | MigrateError::NoWayBack { name } => at(name, "up.sql", 1),
        MigrateError::Refused(Refusal::Unexplained { name, .. })
        | MigrateError::Migration(MigrationError::Metadata { name, .. }) => at(name, "metadata.toml", 1),
        MigrateError::NotTheReverse { name, .. } => at(name, "down.sql", 1),
        _ => return None,
    };
    Some(annotation(&file, line, "migration", &error.to_string()))
}
