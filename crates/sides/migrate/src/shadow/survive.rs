//! Sessions that were there before: what they prepared beforehand goes on working, or says why not.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::{
    Probe, Scratch,
    probes::{TRY, mentioned, try_all},
};

/// No statement of a probe takes as long; a trigger may wait for ever.
const LIMIT: &str = "SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '1s'";

/// What a session prepared, and how it went before the migration.
pub(crate) struct Survivors {
    probes: Vec<Probe>,
    statements: Vec<(usize, String)>,
    before: Vec<String>,
}

/// What no longer works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The table or view, without `public`.
    pub(crate) relation: String,
    /// What failed, in words.
    pub(crate) witness: String,
    /// Whether even code of the next release fails, as long as its session lives.
    pub(crate) is_prepared: bool,
    /// Whether readers are among those who fail.
    pub(crate) reads: bool,
}

impl Survivors {
    /// Prepares what code says to these tables, and tries it once. None where the server does not let it.
    pub(crate) async fn prepare(scratch: &Scratch, probes: Vec<Probe>) -> Result<Option<Self>, Error> {
        let statements: Vec<(usize, String)> = probes
            .iter()
            .enumerate()
            .flat_map(|(place, probe)| probe.statements().into_iter().map(move |text| (place, text)))
            .collect();
        if statements.is_empty() || scratch.eye.batch_execute(TRY).await.is_err() {
            return Ok(None);
        }
        let prepare = statements
            .iter()
            .enumerate()
            .map(|(number, (_, text))| format!("PREPARE sides_probe_{number} AS {text}"));
        let all: Vec<String> = prepare.chain(execute(statements.len())).collect();
        let said = rolled_back(&scratch.eye, &all).await?;
        let before = said[statements.len()..].to_vec();
        Ok(Some(Self { probes, statements, before }))
    }

    /// The same again, by the same session.
    pub(crate) async fn go_on(self, scratch: &Scratch) -> Result<Vec<Broken>, Error> {
        let again: Vec<String> = execute(self.statements.len()).collect();
        let after = rolled_back(&scratch.eye, &again).await?;
        scratch.eye.batch_execute("DEALLOCATE ALL").await?;
        let names = self.probes.iter().map(|probe| last(&probe.name)).collect();
        let now: BTreeMap<String, Probe> = mentioned(&scratch.eye, Some(&names))
            .await?
            .into_iter()
            .map(|probe| (probe.name.clone(), probe))
            .collect();
        let mut broken = Vec::new();
        for (((place, text), before), after) in self.statements.iter().zip(&self.before).zip(&after) {
            if !is_worse(before, after) {
                continue;
            }
            let relation = &self.probes[*place].name;
            broken.push(Broken {
                relation: relation.clone(),
                witness: format!(
                    "a session that had prepared `{}` before fails from then on: {after}",
                    shortened(text)
                ),
                is_prepared: after.ends_with("(0A000)"),
                reads: text.starts_with("SELECT"),
            });
        }
        for probe in &self.probes {
            let rights = now.get(&probe.name).map(|now| &now.rights);
            let Some(rights) = rights else { continue };
            broken.extend(probe.rights.difference(rights).map(|lost| Broken {
                relation: probe.name.clone(),
                witness: format!("a right on {} is lost: {lost}", probe.name),
                is_prepared: false,
                reads: lost.contains("SELECT"),
            }));
        }
        Ok(broken)
    }
}

fn execute(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("EXECUTE sides_probe_{number}"))
}

async fn rolled_back(eye: &Client, statements: &[String]) -> Result<Vec<String>, Error> {
    eye.batch_execute(&format!("BEGIN; {LIMIT}")).await?;
    let said = try_all(eye, statements).await;
    eye.batch_execute("ROLLBACK").await?;
    said
}

/// What worked and fails, or fails for the schema's sake and did not before: a made row may fail for its values.
fn is_worse(before: &str, after: &str) -> bool {
    let is_schema = ["(0A000)", "(42501)", "(42703)", "(42P01)", "(42804)", "(42883)", "(428C9)"]
        .iter()
        .any(|code| after.ends_with(code));
    !after.is_empty() && (before.is_empty() || (is_schema && before != after))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::is_worse;

    #[test]
    fn only_what_gets_worse_counts() {
        assert!(is_worse("", "null value in column \"a\" (23502)"));
        assert!(is_worse("a check (23514)", "cached plan must not change result type (0A000)"));
        assert!(!is_worse("a check (23514)", "another check (23514)"));
        assert!(!is_worse("a check (23514)", "") && !is_worse("", ""));
    }
}
