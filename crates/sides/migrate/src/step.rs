//! Running the statements of one script, careful with locks, sure to converge after a crash.

mod outside;
mod retry;
mod transaction;

use tokio_postgres::{Client, Error};

use crate::{
    Event, MigrateError, Migration, Options,
    backfill::{self, Batched, Batches},
    concurrent::Concurrent,
    identity::{Identity, Until},
    ledger::{self, Before, Place, Tries},
    script::Script,
    session,
    sessions::Session,
    watch::Watch,
};

/// What a script runs with.
pub(crate) struct Hands<'a> {
    pub(crate) client: &'a Client,
    pub(crate) watch: &'a Watch,
    pub(crate) options: &'a Options,
    /// Who the runner is, whatever a migration makes of its session.
    pub(crate) own: &'a Identity,
    pub(crate) tell: &'a mut (dyn FnMut(Event) + Send),
}

impl Hands<'_> {
    /// Runs the script and records it. False when another runner has just completed it.
    pub(crate) async fn run(&mut self, script: &Script<'_>) -> Result<bool, MigrateError> {
        session::settle(self.client).await?;
        if script.is_backfill {
            return self.backfill(script).await;
        }
        if script.in_transaction {
            self.whole(script).await?;
        } else {
            self.step_by_step(script).await?;
        }
        Ok(true)
    }

    /// A backfill may run beside the runner, so it has a lock of its own.
    async fn backfill(&mut self, script: &Script<'_>) -> Result<bool, MigrateError> {
        let version = script.migration.version();
        backfill::lock(self.client, &version, self.options.wait, &mut *self.tell).await?;
        let is_done = ledger::applied(self.client).await?.iter().any(|one| one.version == version);
        if !is_done {
            self.step_by_step(script).await?;
        }
        session::unlock(self.client, &version).await?;
        Ok(!is_done)
    }

    /// One transaction, or a few where Postgres wants it so; the last of them records the migration.
    async fn whole(&mut self, script: &Script<'_>) -> Result<(), MigrateError> {
        let (version, transactions) = (script.migration.version(), script.transactions());
        let count = transactions.len();
        for (number, range) in transactions.into_iter().enumerate() {
            let is_last = number + 1 == count;
            // One that ended before its runner died.
            let is_done = !is_last
                && ledger::before(self.client, place(script, &version, range.start)).await? == Before::Done;
            if !is_done {
                self.until_done(script, range, is_last).await?;
            }
        }
        Ok(())
    }

    /// Each statement by itself, in a transaction with its row where Postgres allows one.
    async fn step_by_step(&mut self, script: &Script<'_>) -> Result<(), MigrateError> {
        let version = script.migration.version();
        for (index, statement) in script.statements.iter().enumerate() {
            self.open_books().await?;
            let before = ledger::before(self.client, place(script, &version, index)).await?;
            self.close_books().await?;
            if before == Before::Done {
                continue;
            }
            let batched = Batched::of(&statement.text).filter(|_| script.is_backfill);
            match (&statement.concurrent, batched) {
                (Some(concurrent), _) => self.outside(script, index, concurrent, before).await?,
                (None, Some(batched)) => self.batches(script, index, &batched, before).await?,
                (None, None) => self.alone(script, index, before).await?,
            }
        }
        self.open_books().await?;
        self.record(script).await?;
        Ok(self.close_books().await?)
    }

    /// In a transaction; outside of one where Postgres says so, as for a procedure that commits.
    async fn alone(&mut self, script: &Script<'_>, index: usize, before: Before) -> Result<(), MigrateError> {
        match self.until_done(script, index..index + 1, false).await {
            Err(MigrateError::Statement { said, .. }) if said.refuses_a_transaction() => {
                self.outside(script, index, &Concurrent::Repeatable, before).await
            }
            done => done,
        }
    }

    /// The record is the runner's own, also where a migration took another role that it goes on with.
    async fn open_books(&mut self) -> Result<(), Error> {
        self.client.batch_execute("BEGIN").await?;
        self.own.take(self.client, Until::TransactionEnds).await
    }

    async fn close_books(&mut self) -> Result<(), Error> {
        self.client.batch_execute("COMMIT").await
    }

    fn tell_of(&mut self, script: &Script<'_>, old: &[Session]) {
        if !old.is_empty() {
            let sessions = old.iter().map(ToString::to_string).collect();
            (self.tell)(Event::InTheWay { migration: script.migration.name().to_owned(), sessions });
        }
    }

    async fn batches(
        &mut self,
        script: &Script<'_>,
        index: usize,
        batched: &Batched,
        before: Before,
    ) -> Result<(), MigrateError> {
        let version = script.migration.version();
        // Between batches the session is the runner's own.
        let role = Identity::of(self.client).await?;
        self.own.take(self.client, Until::SessionEnds).await?;
        let id = match before {
            Before::Begun(id) => id,
            _ => ledger::begin(self.client, place(script, &version, index)).await?,
        };
        self.watch.take();
        let mut batches = Batches {
            client: self.client,
            watch: self.watch,
            options: self.options,
            script,
            index,
            step_id: id,
            own: self.own,
            role: &role,
            tell: &mut *self.tell,
        };
        batches.run(batched).await?;
        ledger::finish(self.client, id, Tries::begin(), &self.watch.take()).await?;
        Ok(role.take(self.client, Until::SessionEnds).await?)
    }

    async fn record(&mut self, script: &Script<'_>) -> Result<(), Error> {
        let migration: &Migration = script.migration;
        if script.direction == "up" {
            ledger::record(self.client, migration).await
        } else {
            ledger::forget(self.client, &migration.version()).await
        }
    }
}

fn place<'a>(script: &'a Script<'_>, version: &'a str, index: usize) -> Place<'a> {
    Place {
        version,
        direction: script.direction,
        step: i32::try_from(index + 1).unwrap_or(i32::MAX),
        statement: &script.statements[index].text,
    }
}
