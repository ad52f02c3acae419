//! Sessions from before a statement: whether what they had prepared still works.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

use super::{
    Probe, Scratch,
    probes::{self, TRY, Went, mentioned, try_all},
    rows::without_triggers,
};

/// No statement of a probe takes as long; a trigger may wait for ever.
const LIMIT: &str = "SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '1s'";

/// What a session prepared, and how it went before the migration.
pub(crate) struct Survivors {
    probes: Vec<Probe>,
    statements: Vec<(usize, String)>,
    before: Vec<Went>,
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
        let statements = probes::statements(&probes);
        if statements.is_empty() || scratch.eye.batch_execute(TRY).await.is_err() {
            return Ok(None);
        }
        let prepare = statements
            .iter()
            .enumerate()
            .map(|(number, (_, text))| format!("PREPARE sides_probe_{number} AS {text}"));
        let all: Vec<String> = prepare.chain(execute(statements.len())).collect();
        let said = rolled_back(&scratch.eye, &probes, &all).await?;
        let before = said[statements.len()..].to_vec();
        Ok(Some(Self { probes, statements, before }))
    }

    /// The same again, by the same session.
    pub(crate) async fn go_on(self, scratch: &Scratch) -> Result<Vec<Broken>, Error> {
        let again: Vec<String> = execute(self.statements.len()).collect();
        let after = rolled_back(&scratch.eye, &self.probes, &again).await?;
        scratch.eye.batch_execute("DEALLOCATE ALL").await?;
        let names = self.probes.iter().map(|probe| last(&probe.name)).collect();
        let now: BTreeMap<String, Probe> = mentioned(&scratch.eye, Some(&names))
            .await?
            .into_iter()
            .map(|probe| (probe.name.clone(), probe))
            .collect();
        let mut broken = Vec::new();
        for (((place, text), before), after) in self.statements.iter().zip(&self.before).zip(&after) {
            let Some(why) = worse(before, after) else { continue };
            let relation = &self.probes[*place].name;
            broken.push(Broken {
                relation: relation.clone(),
                witness: format!("a session that had prepared `{}` before {why}", shortened(text)),
                is_prepared: matches!(after, Went::Wrong { code, .. } if code == "0A000"),
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

/// In a transaction in which each table has a row, and what is deferred is checked at once.
async fn rolled_back(eye: &Client, probes: &[Probe], statements: &[String]) -> Result<Vec<Went>, Error> {
    eye.batch_execute(&format!("BEGIN; {LIMIT}; SET CONSTRAINTS ALL IMMEDIATE")).await?;
    let said = with_rows(eye, probes, statements).await;
    eye.batch_execute("ROLLBACK").await?;
    said
}

async fn with_rows(eye: &Client, probes: &[Probe], statements: &[String]) -> Result<Vec<Went>, Error> {
    without_triggers(eye, &probes::rows(probes)).await?;
    try_all(eye, statements).await
}

/// What code notices: it worked and fails, it fails for another reason than before, or it finds nothing any more. A made
/// row may fail for its values, and a busy machine for its time.
fn worse(before: &Went, after: &Went) -> Option<String> {
    match (before, after) {
        (Went::Well(many), Went::Well(0)) if *many > 0 => {
            Some("finds and changes no row from then on".to_owned())
        }
        (_, Went::Well(_)) => None,
        (_, Went::Wrong { code, .. }) if ["57014", "55P03", "40P01"].contains(&code.as_str()) => None,
        (Went::Wrong { code: was, .. }, Went::Wrong { code, .. }) if was == code => None,
        (_, Went::Wrong { said, .. }) => Some(format!("fails from then on: {said}")),
    }
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
    use super::{Went, worse};

    #[test]
    fn only_what_gets_worse_counts() {
        let wrong = |code: &str| Went::Wrong { said: format!("no ({code})"), code: code.to_owned() };
        assert!(worse(&Went::Well(1), &wrong("23502")).is_some());
        assert!(worse(&wrong("23514"), &wrong("0A000")).is_some());
        assert!(worse(&wrong("23503"), &wrong("P0001")).is_some(), "it fails before it is looked at");
        assert!(worse(&Went::Well(2), &Went::Well(0)).is_some(), "the row is hidden");
        assert!(worse(&wrong("23514"), &wrong("23514")).is_none());
        assert!(worse(&Went::Well(2), &wrong("57014")).is_none(), "the machine is busy");
        assert!(
            worse(&wrong("23514"), &Went::Well(0)).is_none()
                && worse(&Went::Well(0), &Went::Well(0)).is_none()
        );
    }
}
