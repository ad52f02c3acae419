//! A migration run on a scratch database as `up` runs it, and watched statement by statement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use tokio_postgres::Client;

use super::{
    Scratch, apply_error,
    observe::{KNOWN, Known, Reading, known},
};
use crate::{
    MigrateError, Said,
    check::{is_opaque, words},
    class::{Reason, Seen},
    script::Script,
    sql::{Kind, tokens},
};

/// Code that works longer than this on made rows does so on any; a busy machine alone makes it a tenth of that.
const LONG: Duration = Duration::from_millis(400);
/// A pause is one on every machine.
const PAUSE: Duration = Duration::from_millis(100);

/// A migration on its way.
pub(crate) struct Trial<'a> {
    scratch: &'a Scratch,
    script: &'a Script<'a>,
    last: Reading,
    steps: Vec<Step>,
    /// What was there before the migration.
    known: BTreeMap<u32, Known>,
    /// What it made itself.
    made: BTreeSet<u32>,
}

/// What was read before a statement and behind it, and whether it took long.
#[derive(Default)]
struct Step {
    before: Reading,
    now: Reading,
    is_slow: bool,
    unseen: Option<Reason>,
}

impl<'a> Trial<'a> {
    pub(crate) async fn begin(scratch: &'a Scratch, script: &'a Script<'a>) -> Result<Self, MigrateError> {
        scratch.settle().await?;
        let mut trial = Self {
            scratch,
            script,
            last: Reading::default(),
            steps: Vec::new(),
            known: BTreeMap::new(),
            made: BTreeSet::new(),
        };
        if script.in_transaction {
            trial.open().await?;
        }
        Ok(trial)
    }

    fn client(&self) -> &'a Client {
        &self.scratch.client
    }

    async fn open(&mut self) -> Result<(), MigrateError> {
        self.last = Reading::begin(self.client()).await?;
        Ok(())
    }

    /// Runs one statement; all of them run in their order.
    pub(crate) async fn statement(&mut self, index: usize) -> Result<(), MigrateError> {
        let statement = &self.script.statements[index];
        let text = &statement.text;
        let failed = |said: Said| apply_error(self.script, index, said);
        if self.scratch.skips(text) {
            self.steps.push(Step::default());
            return Ok(());
        }
        let is_accepted = self.script.migration.metadata().accept.is_some();
        if is_accepted && self.scratch.lacks(text).await? {
            return self.untried();
        }
        // What was accepted unseen may be needed.
        let may_fail = is_accepted && self.scratch.is_lacking();
        if self.script.in_transaction {
            if index > 0 && self.script.transactions().iter().any(|range| range.start == index) {
                self.remember().await?;
                let ended = self.client().batch_execute("COMMIT").await;
                ended.map_err(|error| apply_error(self.script, index - 1, error.into()))?;
                self.open().await?;
            }
            if may_fail {
                self.client().batch_execute("SAVEPOINT sides_tried").await?;
            }
            let began = Instant::now();
            return match self.client().batch_execute(text).await {
                Ok(()) => self.note(is_slow(text, began.elapsed())).await,
                Err(_) if may_fail => {
                    self.client().batch_execute("ROLLBACK TO SAVEPOINT sides_tried").await?;
                    self.untried()
                }
                Err(error) => {
                    self.client().batch_execute("ROLLBACK").await?;
                    Err(failed(error.into()))
                }
            };
        }
        if statement.concurrent.is_some() {
            self.steps.push(Step::default());
            return self.client().batch_execute(text).await.map_err(|error| failed(error.into()));
        }
        self.open().await?;
        let began = Instant::now();
        if let Err(error) = self.client().batch_execute(text).await {
            self.client().batch_execute("ROLLBACK").await?;
            let said = Said::from(error);
            if may_fail {
                return self.untried();
            }
            if !said.refuses_a_transaction() {
                return Err(failed(said));
            }
            // A procedure that commits has a session of its own, as it were.
            self.without_commits(text).await?;
            return self.client().batch_execute(text).await.map_err(|error| failed(error.into()));
        }
        self.note(is_slow(text, began.elapsed())).await?;
        self.remember().await?;
        self.client().batch_execute("COMMIT").await.map_err(|error| failed(error.into()))
    }

    fn untried(&mut self) -> Result<(), MigrateError> {
        self.steps.push(Step { unseen: Some(Reason::NotTried), ..Step::default() });
        Ok(())
    }

    /// Watches code that commits by running it without its commits first. How many rows it changes between two of them
    /// shows nowhere.
    async fn without_commits(&mut self, text: &str) -> Result<(), MigrateError> {
        self.open().await?;
        let before = self.last.clone();
        let now = match self.pretend(text).await {
            Ok(now) => now.without_rows_of(&before),
            Err(_) if is_opaque(text) => {
                self.client().batch_execute("ROLLBACK").await?;
                self.steps.push(Step { unseen: Some(Reason::NotUnderstood), ..Step::default() });
                return Ok(());
            }
            Err(_) => before.clone(),
        };
        self.client().batch_execute("ROLLBACK").await?;
        self.steps.push(Step { before, now, ..Step::default() });
        self.remember().await
    }

    async fn pretend(&self, text: &str) -> Result<Reading, tokio_postgres::Error> {
        for procedure in self.client().query(COMMITTING, &[]).await? {
            let definition: String = procedure.get(0);
            self.client().batch_execute(&without_commits(&definition)).await?;
        }
        self.client().batch_execute(&without_commits(text)).await?;
        Ok(Reading::now(self.client()).await?.with_counts_of(&self.last))
    }

    async fn note(&mut self, is_slow: bool) -> Result<(), MigrateError> {
        let now = Reading::now(self.client()).await?.with_counts_of(&self.last);
        let before = std::mem::replace(&mut self.last, now.clone());
        self.steps.push(Step { before, now, is_slow, unseen: None });
        Ok(())
    }

    /// Asks another session what was there before the transaction ends.
    async fn remember(&mut self) -> Result<(), MigrateError> {
        let oids: BTreeSet<u32> = self.steps.iter().flat_map(|step| step.now.oids()).collect();
        let new: Vec<u32> = oids
            .into_iter()
            .filter(|oid| !self.known.contains_key(oid) && !self.made.contains(oid))
            .collect();
        let found = match new.is_empty() {
            true => BTreeMap::new(),
            false => known(&self.scratch.ask(KNOWN, &[&new]).await?),
        };
        self.made.extend(new.into_iter().filter(|oid| !found.contains_key(oid)));
        self.known.extend(found);
        Ok(())
    }

    /// Ends the transaction, and says what each statement did.
    pub(crate) async fn end(mut self) -> Result<Vec<Seen>, MigrateError> {
        if self.script.in_transaction {
            self.remember().await?;
            let last = self.script.statements.len().saturating_sub(1);
            let ended = self.client().batch_execute("COMMIT").await;
            ended.map_err(|error| apply_error(self.script, last, error.into()))?;
        }
        let seen = |step: &Step| Seen {
            is_slow: step.is_slow,
            unseen: step.unseen,
            ..step.before.until(&step.now, &self.known)
        };
        Ok(self.steps.iter().map(seen).collect())
    }
}

/// Whether it took long for another reason than what Postgres does for any such statement.
fn is_slow(text: &str, took: Duration) -> bool {
    let pauses = || words(text).iter().any(|word| word.starts_with("pg_sleep"));
    (took > PAUSE && pauses()) || (took > LONG && is_opaque(text))
}

/// Procedures that end transactions.
const COMMITTING: &str = "
    SELECT pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.prokind = 'p' AND p.oid >= 16384 AND l.lanname = 'plpgsql' AND p.prosrc ~* '\\m(commit|rollback)\\M'";

/// The same code, without the words that end a transaction.
fn without_commits(text: &str) -> String {
    let mut own = text.to_owned();
    for token in tokens(text).into_iter().rev() {
        let replacement = match token.kind {
            Kind::Code => {
                let tag = token.text[1..].find('$').map_or(0, |end| end + 2);
                let (head, body) = token.text.split_at(tag);
                let (body, end) = body.split_at(body.len().saturating_sub(tag));
                format!("{head}{}{end}", without_commits(body))
            }
            Kind::Word if token.is("commit") || token.is("rollback") => "NULL".to_owned(),
            _ => continue,
        };
        own.replace_range(token.start..token.end(), &replacement);
    }
    own
}

#[cfg(test)]
mod tests {
    use super::without_commits;

    #[test]
    fn only_the_words_that_end_a_transaction_are_taken_out() {
        let text = "DO $x$ BEGIN UPDATE t SET a = 'commit'; COMMIT; -- commit\nROLLBACK; END $x$";
        let plain = "DO $x$ BEGIN UPDATE t SET a = 'commit'; NULL; -- commit\nNULL; END $x$";
        assert_eq!(without_commits(text), plain);
    }
}
