//! One migration: a folder with `up.sql`, `down.sql` and perhaps a `metadata.toml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::Metadata;

struct Embedded {
    name: &'static str,
    up: &'static str,
    down: Option<&'static str>,
    metadata: Option<&'static str>,
}

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A schema change, in diesel's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    name: String,
    up: String,
    down: Option<String>,
    metadata: Metadata,
}

/// Why a migration cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// `metadata.toml` is not what is known here.
    #[error(
        "migrations/{name}/metadata.toml cannot be read; known are run_in_transaction, phase, reason and accept"
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
    #[error("migrations/{name} has no up.sql; write it, or remove the folder")]
    NoUp {
        /// The folder's name.
        name: String,
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
        Self { name: name.into(), up: up.into(), down: Some(down.into()), metadata: Metadata::default() }
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

    /// The migrations of this workspace, oldest first.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn embedded() -> Result<Vec<Self>, MigrationError> {
        let all = EMBEDDED.iter().map(|embedded| {
            let migration =
                Self { down: embedded.down.map(str::to_owned), ..Self::new(embedded.name, embedded.up, "") };
            migration.with_metadata(embedded.metadata.unwrap_or_default())
        });
        in_order(all.collect::<Result<_, _>>()?)
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
    /// The migrations of a folder, oldest first.
    ///
    /// # Errors
    /// When the folder or one of its files cannot be read.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, MigrationError> {
        let unread = |path: &Path| {
            let path = path.to_owned();
            move |source| MigrationError::Unread { path, source }
        };
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).map_err(unread(folder))? {
            let path = entry.map_err(unread(folder))?.path();
            if !path.is_dir() {
                continue;
            }
            let text = |file: &str| match fs::read_to_string(path.join(file)) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unread(&path.join(file))(error)),
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let up = text("up.sql")?.ok_or_else(|| MigrationError::NoUp { name: name.clone() })?;
            let migration = Self { down: text("down.sql")?, ..Self::new(name, up, "") };
            all.push(migration.with_metadata(&text("metadata.toml")?.unwrap_or_default())?);
        }
        in_order(all)
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
///
/// # Errors
/// When a migration cannot be read.
pub fn fingerprint() -> Result<String, MigrationError> {
    let mut digest = Sha256::new();
    for migration in Migration::embedded()? {
        digest.update(migration.name());
        digest.update(migration.checksum());
    }
    digest.update(include_str!("roles.sql"));
    digest.update(include_str!("ledger.sql"));
    Ok(hex::encode(digest.finalize()))
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

    #[test]
    fn the_workspace_has_migrations() {
        let all = Migration::embedded().unwrap();
        assert!(all.iter().any(|migration| migration.name().ends_with("_chassis")));
        assert!(all.iter().all(|migration| migration.down().is_some()), "each has a down.sql");
    }
}
