//! A migration run on a scratch database as `up` runs it, and watched statement by statement.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use tokio_postgres::Client;

use super::{
    Scratch,
    observe::{Known, Reading, known},
    scratch::apply_error,
};
use crate::{
    MigrateError, Said,
    check::{is_opaque, words},
    class::Seen,
    script::Script,
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
        self.client().batch_execute("BEGIN").await?;
        self.last = Reading::base(self.client()).await?;
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
        if self.script.in_transaction {
            if index > 0 && self.script.transactions().iter().any(|range| range.start == index) {
                self.remember().await?;
                let ended = self.client().batch_execute("COMMIT").await;
                ended.map_err(|error| apply_error(self.script, index - 1, error.into()))?;
                self.open().await?;
            }
            let began = Instant::now();
            return match self.client().batch_execute(text).await {
                Ok(()) => self.note(is_slow(text, began.elapsed())).await,
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
            if !said.refuses_a_transaction() {
                return Err(failed(said));
            }
            // A procedure that commits has a session of its own, as it were.
            self.steps.push(Step::default());
            return self.client().batch_execute(text).await.map_err(|error| failed(error.into()));
        }
        self.note(is_slow(text, began.elapsed())).await?;
        self.remember().await?;
        self.client().batch_execute("COMMIT").await.map_err(|error| failed(error.into()))
    }

    async fn note(&mut self, is_slow: bool) -> Result<(), MigrateError> {
        let now = Reading::now(self.client()).await?.with_counts_of(&self.last);
        let before = std::mem::replace(&mut self.last, now.clone());
        self.steps.push(Step { before, now, is_slow });
        Ok(())
    }

    /// Asks another session what was there before the transaction ends.
    async fn remember(&mut self) -> Result<(), MigrateError> {
        let oids: BTreeSet<u32> = self.steps.iter().flat_map(|step| step.now.oids()).collect();
        let new: Vec<u32> = oids
            .into_iter()
            .filter(|oid| !self.known.contains_key(oid) && !self.made.contains(oid))
            .collect();
        let found = known(&self.scratch.eye, &new).await?;
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
        let seen = |step: &Step| Seen { is_slow: step.is_slow, ..step.before.until(&step.now, &self.known) };
        Ok(self.steps.iter().map(seen).collect())
    }
}

/// Whether it took long for another reason than what Postgres does for any such statement.
fn is_slow(text: &str, took: Duration) -> bool {
    let pauses = || words(text).iter().any(|word| word.starts_with("pg_sleep"));
    (took > PAUSE && pauses()) || (took > LONG && is_opaque(text))
}
