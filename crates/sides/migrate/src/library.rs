//! The chassis' migrations, and an application's with them.

use std::path::Path;

use crate::{Migration, MigrationError, migration::in_order};

/// The migrations of the chassis' own tables, oldest first.
///
/// # Errors
/// When one of them cannot be read, which only a mistake of this release explains.
pub fn chassis() -> Result<Vec<Migration>, MigrationError> {
    let all = Migration::from_source(&schema::MIGRATIONS, schema::METADATA)?;
    Ok(all.into_iter().map(Migration::into_library).collect())
}

/// An application's migrations and the chassis', in the order of their versions.
///
/// An application that still has some of the chassis' among its own, by the same names and with the same texts, has them
/// once.
///
/// # Errors
/// When two have one version.
pub fn with_chassis(application: Vec<Migration>) -> Result<Vec<Migration>, MigrationError> {
    let mut all = chassis()?;
    let is_new = |one: &Migration| {
        all.iter().all(|known| known.name() != one.name() || known.checksum() != one.checksum())
    };
    let own: Vec<_> = application.into_iter().filter(is_new).collect();
    all.extend(own);
    in_order(all)
}

/// Where commands take migrations from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    has_chassis: bool,
    built_in: Option<Vec<Migration>>,
}

impl Sources {
    /// What is in a folder, and nothing else.
    #[must_use]
    pub fn folder() -> Self {
        Self::default()
    }

    /// The chassis' and what is in a folder.
    #[must_use]
    pub fn checkout() -> Self {
        Self { has_chassis: true, built_in: None }
    }

    /// The chassis' and these; or, where somebody names a folder, the chassis' and what is in that.
    #[must_use]
    pub fn application(built_in: Vec<Migration>) -> Self {
        Self { has_chassis: true, built_in: Some(built_in) }
    }

    /// All of them, oldest first. `usual` is the folder where none is named and none are built in.
    pub(crate) fn all(&self, folder: Option<&Path>, usual: &Path) -> Result<Vec<Migration>, MigrationError> {
        let own = match (folder, &self.built_in) {
            (Some(folder), _) => Migration::read_all(folder)?,
            (None, Some(built_in)) => built_in.clone(),
            (None, None) => Migration::read_all(usual)?,
        };
        if self.has_chassis { with_chassis(own) } else { in_order(own) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chassis_has_a_way_back_from_each_of_its_migrations() {
        let all = chassis().unwrap();
        assert!(all.iter().any(|migration| migration.name().ends_with("_chassis")));
        assert!(all.iter().all(|migration| migration.down().is_some()), "each has a down.sql");
        let in_order = all.iter().find(|one| one.name().ends_with("_jobs_in_order")).unwrap();
        assert_eq!(in_order.asks_for_transaction(), Some(false), "its metadata.toml says so");
    }

    #[test]
    fn an_application_that_still_has_the_chassis_migrations_has_them_once() {
        let chassis = chassis().unwrap();
        let own = Migration::new("2026-11-23-000300_own", "CREATE TABLE own ();", "");
        let mut application = chassis.clone();
        application.push(own.clone());
        let all = with_chassis(application).unwrap();
        assert_eq!(all.len(), chassis.len() + 1);
        assert!(all.windows(2).all(|pair| pair[0].version() < pair[1].version()));
        let edited = Migration::new(chassis[0].name(), "SELECT 1;", "");
        assert!(matches!(with_chassis(vec![edited]), Err(MigrationError::SameVersion { .. })));
    }
}
