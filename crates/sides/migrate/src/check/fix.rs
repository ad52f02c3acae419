//! Rewrites a migration as suggested, and adds the migrations that follow from it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use database::DatabaseUrl;

use super::{Checked, prove::differences};
use crate::{
    MigrateError, Migration, MigrationError,
    error::indented,
    recipe::{Instead, Part},
    sql::statements,
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fixed {
    /// The folder that was refused.
    pub name: String,
    /// The folders that are there now in its place, in their order.
    pub written: Vec<String>,
}

/// Why nothing was written for a migration.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// A person has to write it.
    #[error("migrations/{name}: {advice}")]
    ByHand {
        /// The folder.
        name: String,
        /// What to do.
        advice: String,
    },
    /// It would end elsewhere.
    #[error(
        "migrations/{name}: the suggested replacement does not give the same result as this migration, so \
         nothing was written (- as it is, + as it would be):\n{}\nwrite the replacement by hand, or say in \
         metadata.toml why the migration may run as it is: accept = \"…\"",
        indented(differences)
    )]
    Differs {
        /// The folder.
        name: String,
        /// Line by line.
        differences: Vec<String>,
    },
    /// It could not be tried.
    #[error("migrations/{name}: the suggested replacement was not tried, so nothing was written")]
    Unproved {
        /// The folder.
        name: String,
        /// Why not.
        #[source]
        source: Box<MigrateError>,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Unwritten {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

/// Rewrites one refused migration of `all` in `folder`. It must not be applied anywhere yet. What would be written is
/// run on scratch databases of `server` first, and has to end where the migration as it is does.
///
/// # Errors
/// When no text can be made for one of its statements, or it ends elsewhere; then nothing was written.
pub async fn fix(
    server: &DatabaseUrl,
    folder: &Path,
    all: &[Migration],
    migration: &Migration,
    checked: &Checked,
) -> Result<Fixed, FixError> {
    let name = || migration.name().to_owned();
    let drafts = drafts(migration, checked)?;
    let written = drafts.iter().map(Draft::migration).collect::<Result<Vec<_>, _>>();
    let unproved = |source: MigrateError| FixError::Unproved { name: name(), source: Box::new(source) };
    let written = written.map_err(|error| unproved(error.into()))?;
    let before: Vec<_> = all.iter().take_while(|one| one.name() != migration.name()).cloned().collect();
    let differences = differences(server, &before, migration, &written).await.map_err(unproved)?;
    if !differences.is_empty() {
        return Err(FixError::Differs { name: name(), differences });
    }
    for draft in &drafts {
        draft.write(folder)?;
    }
    if drafts.iter().all(|draft| draft.name != migration.name()) {
        let old = folder.join(migration.name());
        fs::remove_dir_all(&old).map_err(|source| FixError::Unwritten { path: old, source })?;
    }
    Ok(Fixed { name: name(), written: drafts.into_iter().map(|draft| draft.name).collect() })
}

/// A migration before it is written.
struct Draft {
    name: String,
    up: String,
    /// Without one the runner says before it starts that there is no way back; one that is there already stays.
    down: Option<String>,
    metadata: String,
}

impl Draft {
    fn migration(&self) -> Result<Migration, MigrationError> {
        Migration::new(self.name.as_str(), self.up.as_str(), "").with_metadata(&self.metadata)
    }

    fn write(&self, folder: &Path) -> Result<(), FixError> {
        let own = folder.join(&self.name);
        fs::create_dir_all(&own).map_err(|source| FixError::Unwritten { path: own.clone(), source })?;
        write(&own.join("up.sql"), &self.up)?;
        if let Some(down) = &self.down {
            write(&own.join("down.sql"), down)?;
        }
        write(&own.join("metadata.toml"), &self.metadata)
    }
}

fn drafts(migration: &Migration, checked: &Checked) -> Result<Vec<Draft>, FixError> {
    let by_hand =
        |advice: &str| FixError::ByHand { name: migration.name().to_owned(), advice: advice.to_owned() };
    let mut lines = Vec::new();
    let mut singly = false;
    let parts = statements(migration.up());
    for (statement, finding) in parts.iter().zip(&checked.statements) {
        let wanted = finding.instead.as_ref().filter(|_| finding.is_refused());
        match wanted {
            None => lines.push(statement.text.clone()),
            Some(Instead::Statements(more)) => {
                singly = true;
                lines.extend(more.iter().cloned());
            }
            Some(Instead::Batches(text)) if parts.len() == 1 => {
                let part = Part { up: vec![text.clone()], backfill: true, ..Part::default() };
                return Ok(series(migration, &[part], true));
            }
            Some(Instead::Series(parts)) if checked.statements.len() == 1 => {
                return Ok(series(migration, parts, false));
            }
            Some(Instead::Batches(_) | Instead::Series(_)) => {
                return Err(by_hand(&format!(
                    "line {}: put `{}` in a migration of its own, then run check --fix again",
                    finding.line, finding.statement
                )));
            }
            Some(Instead::Advice(advice)) => {
                return Err(by_hand(&format!("line {}: {advice}", finding.line)));
            }
        }
    }
    if !singly {
        return Err(by_hand(&checked.problems.join("; ")));
    }
    let metadata = "# Each statement in a transaction of its own, so that none holds its lock while another works.\nrun_in_transaction = false\n";
    let (name, up) = (migration.name().to_owned(), script(&lines));
    Ok(vec![Draft { name, up, down: None, metadata: metadata.to_owned() }])
}

fn series(migration: &Migration, parts: &[Part], keep_name: bool) -> Vec<Draft> {
    let (time, rest) = migration.name().split_once('_').unwrap_or((migration.name(), "change"));
    let drafts = parts.iter().enumerate().map(|(index, part)| Draft {
        name: match keep_name {
            true => migration.name().to_owned(),
            false => format!("{}_{rest}_{}", later(time, index), part.suffix),
        },
        up: script(&part.up),
        down: match (part.down.is_empty(), part.backfill) {
            (false, _) => Some(script(&part.down)),
            (true, true) => Some("-- What was filled goes with its column.\n".to_owned()),
            (true, false) => None,
        },
        metadata: metadata(part),
    });
    drafts.collect()
}

/// The time that many seconds later; past the minute it still sorts behind.
fn later(time: &str, seconds: usize) -> String {
    let digits = time.len() - time.trim_end_matches(|last: char| last.is_ascii_digit()).len();
    let (head, tail) = time.split_at(time.len() - digits);
    match tail.parse::<u64>() {
        Ok(number) => format!("{head}{:0digits$}", number + seconds as u64),
        Err(_) => format!("{time}{seconds}"),
    }
}

fn metadata(part: &Part) -> String {
    let mut text = format!("run_in_transaction = {}\n", part.in_transaction);
    if part.backfill {
        text.push_str("phase = \"backfill\"\n");
    }
    if let Some(why) = part.expands {
        text.push_str(&format!("phase = \"expand\"\nreason = \"{why}\"\n"));
    }
    if let Some(why) = part.accept {
        text.push_str(&format!("accept = \"{why}\"\n"));
    }
    text
}

fn script(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

fn write(path: &Path, text: &str) -> Result<(), FixError> {
    fs::write(path, text).map_err(|source| FixError::Unwritten { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::later;

    #[test]
    fn followers_sort_behind_and_keep_their_form() {
        assert_eq!(later("2026-01-31-120000", 2), "2026-01-31-120002");
        assert_eq!(later("20260131120000", 1), "20260131120001");
        assert_eq!(later("1", 2), "3");
    }
}
