//! One migration: a folder with `up.sql`, `down.sql` and perhaps a `metadata.toml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use diesel::{migration::MigrationSource as _, pg::Pg};
use diesel_migrations::{FileBasedMigrations, MigrationError as DieselError};
use sha2::{Digest as _, Sha256};

use crate::Metadata;

/// A schema change, in diesel's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    name: String,
    up: String,
    down: Option<String>,
    metadata: Metadata,
    is_library: bool,
}

/// Why a migration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// `metadata.toml` is not what is known here.
    #[error(
        "cannot parse migrations/{name}/metadata.toml; the keys are run_in_transaction, phase, reason and accept"
    )]
    Metadata {
        /// The folder's name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: toml::de::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unread {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A file or folder cannot be made.
    #[error("cannot make {}", path.display())]
    Unwritten {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A folder is no migration.
    #[error("migrations/{name} has no up.sql; write it, or remove the directory")]
    NoUp {
        /// The folder's name.
        name: String,
    },
    /// One of diesel's sources cannot be read.
    #[error("cannot read the migrations")]
    Source {
        /// What diesel says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration of one of diesel's sources is not a text.
    #[error("the migration {name} is not SQL text; write it as up.sql and down.sql")]
    NotText {
        /// Its name.
        name: String,
        /// What diesel says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A folder's name does not begin with a time.
    #[error("migrations/{name} has no version; name it like 2026-01-31-120000_{name}")]
    NoVersion {
        /// The folder's name.
        name: String,
    },
    /// Two folders have one version.
    #[error("migrations/{first} and migrations/{second} have the same version; give one a later time")]
    SameVersion {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

impl Migration {
    /// A migration that runs in a transaction unless one of its statements cannot.
    pub fn new(name: impl Into<String>, up: impl Into<String>, down: impl Into<String>) -> Self {
        let (name, up, down) = (name.into(), up.into(), Some(down.into()));
        Self { name, up, down, metadata: Metadata::default(), is_library: false }
    }

    /// The same with the text of a `metadata.toml`.
    ///
    /// # Errors
    /// When it holds anything unknown.
    pub fn with_metadata(mut self, text: &str) -> Result<Self, MigrationError> {
        self.metadata = toml::from_str(text)
            .map_err(|source| MigrationError::Metadata { name: self.name.clone(), source })?;
        Ok(self)
    }

    /// The same with the text that was applied.
    pub(crate) fn with_up(&self, up: String) -> Self {
        Self { up, ..self.clone() }
    }

    pub(crate) fn from_texts(
        name: String,
        up: String,
        down: Option<String>,
        metadata: &str,
    ) -> Result<Self, MigrationError> {
        Self { down, ..Self::new(name, up, "") }.with_metadata(metadata)
    }

    /// The same as one of a library. Its order counts among the library's own: an application's migrations and a
    /// library's may be applied in either order, since neither may name the other's tables.
    #[must_use]
    pub fn into_library(self) -> Self {
        Self { is_library: true, ..self }
    }

    /// Whether it came with a library, and not from the application.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.is_library
    }

    /// The folder's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What diesel records: the digits before the name.
    #[must_use]
    pub fn version(&self) -> String {
        self.name.split('_').next().unwrap_or_default().replace('-', "")
    }

    /// The statements that make the change.
    #[must_use]
    pub fn up(&self) -> &str {
        &self.up
    }

    /// The statements that take it back, when there are any.
    #[must_use]
    pub fn down(&self) -> Option<&str> {
        self.down.as_deref()
    }

    /// What `metadata.toml` says about a transaction. Left open, the statements decide.
    #[must_use]
    pub fn asks_for_transaction(&self) -> Option<bool> {
        self.metadata.run_in_transaction
    }

    /// Everything that `metadata.toml` says.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A digest of what it does: `up.sql`, the same on every system's line ends.
    #[must_use]
    pub fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.up.replace("\r\n", "\n")))
    }
}

impl Migration {
    /// The migrations of a folder, oldest first. Which folders are migrations, diesel's `FileBasedMigrations` says.
    ///
    /// # Errors
    /// When the folder or one of its files cannot be read.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, MigrationError> {
        let unread = |path: PathBuf| move |source| MigrationError::Unread { path, source };
        let source = FileBasedMigrations::from_path(folder).map_err(|error| match error {
            DieselError::UnknownMigrationFormat(path) => MigrationError::NoUp {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            },
            DieselError::IoError(source) => unread(folder.to_owned())(source),
            other => MigrationError::Source { source: other.into() },
        })?;
        let found: Vec<Box<dyn diesel::migration::Migration<Pg>>> =
            source.migrations().map_err(|source| MigrationError::Source { source })?;
        let all = found.iter().map(|one| {
            let name = one.name().to_string();
            let text = |file: &str| {
                let path = folder.join(&name).join(file);
                match fs::read_to_string(&path) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    text => text.map(Some).map_err(unread(path)),
                }
            };
            let up = text("up.sql")?.ok_or_else(|| MigrationError::NoUp { name: name.clone() })?;
            let (down, metadata) = (text("down.sql")?, text("metadata.toml")?.unwrap_or_default());
            Self::from_texts(name, up, down, &metadata)
        });
        in_order(all.collect::<Result<_, _>>()?)
    }
}

/// Sorts by version and refuses two of one.
pub(crate) fn in_order(mut migrations: Vec<Migration>) -> Result<Vec<Migration>, MigrationError> {
    if let Some(nameless) =
        migrations.iter().find(|one| !one.version().starts_with(|first: char| first.is_ascii_digit()))
    {
        return Err(MigrationError::NoVersion { name: nameless.name.clone() });
    }
    migrations.sort_by_key(Migration::version);
    match migrations.windows(2).find(|pair| pair[0].version() == pair[1].version()) {
        Some(pair) => {
            Err(MigrationError::SameVersion { first: pair[0].name.clone(), second: pair[1].name.clone() })
        }
        None => Ok(migrations),
    }
}

/// A digest of everything that makes a migrated database what it is; equal ones have equal schemas.
#[must_use]
pub fn fingerprint(all: &[Migration]) -> String {
    let mut digest = Sha256::new();
    for migration in all {
        digest.update(migration.name());
        digest.update(migration.checksum());
    }
    digest.update(include_str!("roles.sql"));
    digest.update(include_str!("ledger.sql"));
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metadata_file_without_the_setting_decides_nothing() {
        let migration = |text| Migration::new("1_a", "", "").with_metadata(text);
        let asked = |text| migration(text).unwrap().asks_for_transaction();
        assert_eq!(asked(""), None);
        assert_eq!(asked("run_in_transaction = true"), Some(true));
        assert_eq!(asked("run_in_transaction = false"), Some(false));
        let refused = migration("run_in_transactoin = false").unwrap_err().to_string();
        assert!(refused.contains("migrations/1_a/metadata.toml"), "{refused}");
    }

    #[test]
    fn versions_are_diesels_and_are_unique() {
        let names = |names: &[&str]| names.iter().map(|name| Migration::new(*name, "", "")).collect();
        let sorted = in_order(names(&["2026-02-01-000000_b", "2026-01-31-000000_a"])).unwrap();
        assert_eq!(sorted[0].version(), "20260131000000");
        let refused = in_order(names(&["2026-02-01-000000_b", "20260201000000_c"])).unwrap_err().to_string();
        assert!(refused.contains("2026-02-01-000000_b and migrations/20260201000000_c"), "{refused}");
    }

    #[test]
    fn line_ends_do_not_change_the_checksum() {
        let migration = |up| Migration::new("1_a", up, "");
        assert_eq!(migration("SELECT 1;\n").checksum(), migration("SELECT 1;\r\n").checksum());
        assert_ne!(migration("SELECT 1;\n").checksum(), migration("SELECT 2;\n").checksum());
    }
}
