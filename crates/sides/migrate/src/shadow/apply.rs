//! Applies migrations to a scratch database as `up` would, without watching what they do.

use std::ops::Range;

use super::{Scratch, apply_error};
use crate::{
    Applied, MigrateError, Migration, Said,
    identity::{Identity, Until},
    ledger::Before,
    recover,
    script::Script,
};

impl Scratch {
    /// Applies a migration as `up` does, without a look at what it does.
    ///
    /// # Errors
    /// When Postgres refuses a statement.
    pub async fn apply(&self, migration: &Migration) -> Result<(), MigrateError> {
        self.run(&Script::up(migration)?).await
    }

    /// The same for either direction.
    pub(crate) async fn run(&self, script: &Script<'_>) -> Result<(), MigrateError> {
        self.settle().await?;
        if script.migration.metadata().accept.is_some() {
            for statement in &script.statements {
                self.lacks(&statement.text).await?;
            }
            if self.is_lacking() {
                return self.run_as_far_as_it_goes(script).await;
            }
        }
        if !script.in_transaction {
            return self.run_singly(script).await;
        }
        for range in script.transactions() {
            self.run_together(script, range).await?;
        }
        Ok(())
    }

    async fn run_together(&self, script: &Script<'_>, range: Range<usize>) -> Result<(), MigrateError> {
        let texts: Vec<&str> = script.statements[range.clone()]
            .iter()
            .map(|statement| statement.text.as_str())
            .filter(|text| !self.skips(text))
            .collect();
        let all = format!("BEGIN;\n{};\nCOMMIT", texts.join(";\n"));
        let identity = Identity::of(&self.client).await?;
        if self.client.batch_execute(&all).await.is_ok() {
            return Ok(());
        }
        // Again, one by one: a failure has its line.
        self.client.batch_execute("ROLLBACK").await?;
        identity.take(&self.client, Until::SessionEnds).await?;
        self.client.batch_execute("BEGIN").await?;
        let last = range.end.saturating_sub(1);
        for index in range {
            let statement = &script.statements[index];
            if self.skips(&statement.text) {
                continue;
            }
            if let Err(error) = self.client.batch_execute(&statement.text).await {
                self.client.batch_execute("ROLLBACK").await?;
                return Err(apply_error(script, index, error.into()));
            }
        }
        self.client.batch_execute("COMMIT").await.map_err(|error| apply_error(script, last, error.into()))
    }

    /// What somebody accepted that cannot be tried here.
    async fn run_as_far_as_it_goes(&self, script: &Script<'_>) -> Result<(), MigrateError> {
        for statement in script.statements.iter().filter(|statement| !self.skips(&statement.text)) {
            if self.client.batch_execute(&statement.text).await.is_err() {
                self.client.batch_execute("ROLLBACK").await?;
            }
        }
        Ok(())
    }

    async fn run_singly(&self, script: &Script<'_>) -> Result<(), MigrateError> {
        for (index, statement) in script.statements.iter().enumerate() {
            if self.skips(&statement.text) {
                continue;
            }
            let alone = format!("BEGIN;\n{};\nCOMMIT", statement.text);
            let is_outside = statement.concurrent.is_some();
            let text = if is_outside { &statement.text } else { &alone };
            let Err(error) = self.client.batch_execute(text).await else { continue };
            self.client.batch_execute("ROLLBACK").await?;
            let said = Said::from(error);
            if let Some(concurrent) = &statement.concurrent {
                // An index that failed stays, invalid; `up` removes it as well.
                recover::prepare(&self.client, concurrent, Before::Never, &mut |_| {}).await?;
            }
            if is_outside || !said.refuses_a_transaction() {
                return Err(apply_error(script, index, said));
            }
            let done = self.client.batch_execute(&statement.text).await;
            done.map_err(|error| apply_error(script, index, error.into()))?;
        }
        Ok(())
    }

    /// Applies what a database has, as it was applied there and not as the files say now.
    ///
    /// # Errors
    /// When Postgres refuses a statement, or the text of a migration is known neither there nor here.
    pub async fn replay(&self, applied: &[Applied], all: &[Migration]) -> Result<(), MigrateError> {
        for one in applied {
            let known = all.iter().find(|migration| migration.version() == one.version);
            let migration = match (&one.up_sql, known) {
                (Some(up), Some(known)) => known.with_up(up.clone()),
                (Some(up), None) => {
                    Migration::new(one.name.clone().unwrap_or_else(|| one.version.clone()), up.clone(), "")
                }
                (None, Some(known)) => known.clone(),
                (None, None) => return Err(MigrateError::NotKnown { version: one.version.clone() }),
            };
            self.apply(&migration).await?;
        }
        Ok(())
    }
}
