//! Applied and pending migrations, and accepting an edited file.

use database::DatabaseUrl;

use crate::{Applied, MigrateError, Migration, Options, ledger, plan, session};

/// One migration and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// The folder's name, or the version when it is not known here.
    pub name: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
}

/// How a migration stands. Times are the server's, as `2026-01-31 12:00:00`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The database has it.
    Applied {
        /// Since when.
        at: String,
    },
    /// The database does not have it.
    Pending,
    /// The database has another text of it.
    Edited {
        /// Since when.
        at: String,
    },
    /// The database has it and it is not here.
    Unknown {
        /// Since when.
        at: String,
    },
}

/// Every migration of here and of the database, oldest first. Changes nothing and waits for no runner.
///
/// # Errors
/// When the database is unavailable.
pub async fn status(url: &DatabaseUrl, all: &[Migration]) -> Result<Vec<Status>, MigrateError> {
    let client = session::connect_as("migrate (status)", url).await?;
    Ok(compare(all, &ledger::applied(&client).await?))
}

/// Records the files of edited migrations as what was applied; returns their names.
///
/// # Errors
/// When the database is unavailable.
pub async fn repair(
    url: &DatabaseUrl,
    all: &[Migration],
    options: &Options,
) -> Result<Vec<String>, MigrateError> {
    let client = session::open(url, options, &mut |_| {}).await?;
    ledger::ensure(&client).await?;
    let applied = ledger::applied(&client).await?;
    let mut names = Vec::new();
    for (migration, _) in plan::edited(all, &applied) {
        ledger::record(&client, migration).await?;
        names.push(migration.name().to_owned());
    }
    Ok(names)
}

fn compare(all: &[Migration], applied: &[Applied]) -> Vec<Status> {
    let edited: Vec<&str> = plan::edited(all, applied).map(|(migration, _)| migration.name()).collect();
    let mut found: Vec<(String, Status)> = all
        .iter()
        .map(|migration| {
            let version = migration.version();
            let at = applied.iter().find(|one| one.version == version).map(|one| one.at.clone());
            let state = match at {
                None => State::Pending,
                Some(at) if edited.contains(&migration.name()) => State::Edited { at },
                Some(at) => State::Applied { at },
            };
            (version, Status { name: migration.name().to_owned(), state })
        })
        .collect();
    for one in applied.iter().filter(|one| all.iter().all(|known| known.version() != one.version)) {
        let name = one.name.clone().unwrap_or_else(|| one.version.clone());
        found.push((one.version.clone(), Status { name, state: State::Unknown { at: one.at.clone() } }));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().map(|(_, status)| status).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_apart() {
        let all = ["1_a", "2_b", "4_d"].map(|name| Migration::new(name, "SELECT 1", ""));
        let applied =
            [("1", "SELECT 1"), ("2", "SELECT 2"), ("3", "SELECT 3")].map(|(version, up)| Applied {
                version: version.to_owned(),
                name: None,
                up_sql: Some(up.to_owned()),
                at: "then".to_owned(),
            });
        let at = "then".to_owned();
        let found: Vec<_> = compare(&all, &applied).into_iter().map(|one| (one.name, one.state)).collect();
        assert_eq!(
            found,
            [
                ("1_a".to_owned(), State::Applied { at: at.clone() }),
                ("2_b".to_owned(), State::Edited { at: at.clone() }),
                ("3".to_owned(), State::Unknown { at }),
                ("4_d".to_owned(), State::Pending),
            ]
        );
    }
}
