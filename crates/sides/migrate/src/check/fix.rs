//! Writing what a migration should be into its folder, and its followers beside it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Checked;
use crate::{
    Migration,
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

/// Rewrites one refused migration in `folder`. It must not be applied anywhere yet.
///
/// # Errors
/// When no text can be made for one of its statements; then nothing was written.
pub fn fix(folder: &Path, migration: &Migration, checked: &Checked) -> Result<Fixed, FixError> {
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
                return write_series(folder, migration, &[part], true);
            }
            Some(Instead::Series(series)) if parts.len() == 1 => {
                return write_series(folder, migration, series, false);
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
    let own = folder.join(migration.name());
    write(&own.join("up.sql"), &script(&lines))?;
    write(&own.join("metadata.toml"), metadata)?;
    Ok(Fixed { name: migration.name().to_owned(), written: vec![migration.name().to_owned()] })
}

fn write_series(
    folder: &Path,
    migration: &Migration,
    parts: &[Part],
    keep_name: bool,
) -> Result<Fixed, FixError> {
    let (time, rest) = migration.name().split_once('_').unwrap_or((migration.name(), "change"));
    let mut written = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let name = if keep_name {
            migration.name().to_owned()
        } else {
            format!("{}_{rest}_{}", later(time, index), part.suffix)
        };
        let own = folder.join(&name);
        fs::create_dir_all(&own).map_err(|source| FixError::Unwritten { path: own.clone(), source })?;
        write(&own.join("up.sql"), &script(&part.up))?;
        match (part.down.is_empty(), part.backfill) {
            (false, _) => write(&own.join("down.sql"), &script(&part.down))?,
            (true, true) => write(&own.join("down.sql"), "-- What was filled goes with its column.\n")?,
            // Without a down.sql the runner says before it starts that there is no way back.
            (true, false) => {}
        }
        write(&own.join("metadata.toml"), &metadata(part))?;
        written.push(name);
    }
    if !keep_name {
        let old = folder.join(migration.name());
        fs::remove_dir_all(&old).map_err(|source| FixError::Unwritten { path: old, source })?;
    }
    Ok(Fixed { name: migration.name().to_owned(), written })
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
