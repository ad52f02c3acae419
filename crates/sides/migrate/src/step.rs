//! Running the statements of one script, careful with locks, sure to converge after a crash.

use std::{
    collections::BTreeMap,
    ops::Range,
    time::{Duration, Instant},
};

use tokio_postgres::{Client, Error};

use crate::{
    Event, MigrateError, Migration, Options, Said,
    backfill::{self, Batched, Batches},
    concurrent::Concurrent,
    identity::{Identity, Until},
    ledger::{self, Before, Place, Ran, Tries},
    patience::Patience,
    recover,
    script::Script,
    session,
    sessions::{self, Session},
    watch::{Build, Seen, Watch, relations, strongest_lock},
};

/// How often somebody is told how far a long statement is.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How often a transaction is tried again that was at work, not waiting, when others had waited too long.
const HOLD_UPS: u32 = 5;

/// What a script runs with.
pub(crate) struct Hands<'a> {
    pub(crate) client: &'a Client,
    pub(crate) watch: &'a Watch,
    pub(crate) options: &'a Options,
    /// Who the runner is, whatever a migration makes of its session.
    pub(crate) own: &'a Identity,
    pub(crate) tell: &'a mut (dyn FnMut(Event) + Send),
}

/// Why a transaction came to nothing.
struct Failed {
    /// The statement at which it did.
    index: usize,
    said: Said,
    /// Whether it was cancelled because others waited for it.
    held_up: bool,
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

    /// Tries the transaction until it is through. When a lock is not to be had, or others have waited too long, all of
    /// it is given up, so that nobody waits for what only waits itself.
    async fn until_done(
        &mut self,
        script: &Script<'_>,
        range: Range<usize>,
        record: bool,
    ) -> Result<(), MigrateError> {
        let (mut tries, mut hold_ups) = (Tries::begin(), 0);
        loop {
            self.wait_for_old(script, range.clone(), &mut tries).await?;
            self.watch.take();
            let Err(failed) = self.guarded(script, range.clone(), tries, record).await else { return Ok(()) };
            // When both fail the first one is the reason.
            let rolled_back = self.client.batch_execute("ROLLBACK").await;
            if failed.held_up {
                hold_ups += 1;
                if hold_ups >= HOLD_UPS {
                    return Err(self.holds_up(script, failed.index, hold_ups));
                }
                self.retry(script, Vec::new(), &mut tries).await;
            } else {
                self.pause_or_fail(script, failed.index, failed.said, &mut tries).await?;
            }
            rolled_back?;
        }
    }

    fn holds_up(&self, script: &Script<'_>, index: usize, tries: u32) -> MigrateError {
        let next = "migrate check says what to write instead; or say in metadata.toml why it may run as it is, \
                    accept = \"…\", and run it when nobody is there";
        MigrateError::HoldsUp {
            site: Box::new(script.site(index)),
            tries,
            longest_block: self.options.longest_block,
            outcome: script.outcome(index, next),
        }
    }

    /// Behind an old transaction a try only makes others queue: it is waited for outside the queue, as long as
    /// tries are left.
    async fn wait_for_old(
        &mut self,
        script: &Script<'_>,
        range: Range<usize>,
        tries: &mut Tries,
    ) -> Result<(), MigrateError> {
        let wanted = script.locks(range);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut told = Vec::new();
        while tries.failed + 1 < self.options.tries {
            let old = sessions::in_the_way(self.client, &wanted, false, self.options.old).await?;
            if old.is_empty() {
                break;
            }
            if !old.iter().all(|one| told.contains(&one.pid)) {
                self.tell_of(script, &old);
                told = old.iter().map(|one| one.pid).collect();
            }
            tokio::time::sleep(self.options.pause_after(tries.failed + 1)).await;
            tries.again();
        }
        Ok(())
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

    /// One try, given up as soon as others have waited too long for it.
    async fn guarded(
        &mut self,
        script: &Script<'_>,
        range: Range<usize>,
        tries: Tries,
        record: bool,
    ) -> Result<(), Failed> {
        if script.migration.metadata().accept.is_none() {
            self.watch.guard(self.options.longest_block).await;
        }
        let tried = self.transaction(script, range, tries, record).await;
        let was_cancelled = self.watch.unguard().await;
        tried.map_err(|(index, said)| {
            let held_up = was_cancelled && said.is_cancelled() && !self.watch.is_waiting();
            Failed { index, held_up, said }
        })
    }

    async fn transaction(
        &mut self,
        script: &Script<'_>,
        range: Range<usize>,
        tries: Tries,
        record: bool,
    ) -> Result<(), (usize, Said)> {
        let first = range.start;
        let at = |index: usize| move |error: Error| (index, Said::from(error));
        let existing = relations(self.client).await.map_err(at(first))?;
        self.client.batch_execute("BEGIN").await.map_err(at(first))?;
        let version = script.migration.version();
        let last = range.end.saturating_sub(1);
        let (mut patience, mut ran) = (Patience::new(self.options.lock_timeout), Vec::new());
        for index in range {
            let statement = &script.statements[index];
            let timeout = patience.next(statement.patient, Instant::now());
            let limit = format!("SET LOCAL lock_timeout = {}", timeout.as_millis());
            self.client.batch_execute(&limit).await.map_err(at(index))?;
            let began = Instant::now();
            self.client.batch_execute(&statement.text).await.map_err(at(index))?;
            let ended = Instant::now();
            let lock = strongest_lock(self.client, &existing).await.map_err(at(index))?;
            if lock.as_ref().is_some_and(|(mode, _)| mode != "AccessShare") {
                patience.is_felt(began);
            }
            let seen = Seen { lock, ..self.watch.take() };
            ran.push(Ran { place: place(script, &version, index), began, ended, seen });
        }
        self.own.take(self.client, Until::TransactionEnds).await.map_err(at(last))?;
        for one in &ran {
            ledger::ran(self.client, one, tries).await.map_err(at(last))?;
        }
        if record {
            self.record(script).await.map_err(at(last))?;
        }
        // Constraints that are checked at the end may still refuse.
        self.client.batch_execute("COMMIT").await.map_err(at(last))
    }

    /// A statement that Postgres refuses in a transaction: its row is written before, so that a crash shows.
    async fn outside(
        &mut self,
        script: &Script<'_>,
        index: usize,
        concurrent: &Concurrent,
        mut before: Before,
    ) -> Result<(), MigrateError> {
        let (version, statement) = (script.migration.version(), &script.statements[index]);
        let mut tries = Tries::begin();
        loop {
            self.watch.take();
            let is_done = recover::prepare(self.client, concurrent, before, &mut *self.tell).await?;
            self.open_books().await?;
            let id = match before {
                Before::Begun(id) => id,
                _ => ledger::begin(self.client, place(script, &version, index)).await?,
            };
            self.close_books().await?;
            let old = sessions::in_the_way(self.client, &BTreeMap::new(), true, self.options.old).await?;
            self.tell_of(script, &old);
            // It waits for old transactions; a timeout would leave it half done.
            self.client.batch_execute("SET lock_timeout = 0").await?;
            let tried = if is_done { Ok(()) } else { self.build(script, &statement.text).await };
            let Err(error) = tried else {
                self.open_books().await?;
                ledger::finish(self.client, id, tries, &self.watch.take()).await?;
                return Ok(self.close_books().await?);
            };
            let said = Said::from(error);
            if said.code().is_some() && !self.client.is_closed() {
                // An index that failed would stay, invalid and in every writer's way.
                recover::prepare(self.client, concurrent, Before::Never, &mut |_| {}).await?;
                self.open_books().await?;
                ledger::refused(self.client, id).await?;
                self.close_books().await?;
                before = Before::Never;
            }
            self.pause_or_fail(script, index, said, &mut tries).await?;
        }
    }

    /// Runs a statement that may take hours, and says how far it is.
    async fn build(&mut self, script: &Script<'_>, text: &str) -> Result<(), Error> {
        let runs = self.client.batch_execute(text);
        tokio::pin!(runs);
        loop {
            match tokio::time::timeout(TELL_EVERY, &mut runs).await {
                Ok(done) => return done,
                Err(_) => {
                    let Some(Build { phase, done, total, waits_for }) = self.watch.build() else { continue };
                    let migration = script.migration.name().to_owned();
                    (self.tell)(Event::Builds { migration, phase, done, total, waits_for });
                }
            }
        }
    }

    async fn record(&mut self, script: &Script<'_>) -> Result<(), Error> {
        let migration: &Migration = script.migration;
        if script.direction == "up" {
            ledger::record(self.client, migration).await
        } else {
            ledger::forget(self.client, &migration.version()).await
        }
    }

    async fn pause_or_fail(
        &mut self,
        script: &Script<'_>,
        index: usize,
        said: Said,
        tries: &mut Tries,
    ) -> Result<(), MigrateError> {
        // Cancelled while it waited itself: as good as a lock that was not to be had.
        let gave_way = said.is_cancelled() && self.watch.is_waiting();
        if !(said.is_lock_timeout() || said.is_deadlock() || gave_way) {
            return Err(script.failed(index, said));
        }
        let blockers = self.watch.take().blockers;
        let attempt = tries.failed + 1;
        if attempt >= self.options.tries {
            return Err(MigrateError::Locked {
                site: Box::new(script.site(index)),
                tries: attempt,
                lock_timeout: self.options.lock_timeout,
                blockers,
                outcome: script.outcome(index, "end that session, or run again when it is done"),
            });
        }
        self.retry(script, blockers, tries).await;
        Ok(())
    }

    async fn retry(&mut self, script: &Script<'_>, blockers: Vec<String>, tries: &mut Tries) {
        let (migration, attempt) = (script.migration.name().to_owned(), tries.failed + 1);
        (self.tell)(Event::Retries { migration, attempt, blockers });
        tokio::time::sleep(self.options.pause_after(attempt)).await;
        tries.again();
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
