//! One transaction, retried until it succeeds.

use std::{ops::Range, time::Instant};

use tokio_postgres::Error;

use super::{Hands, place};
use crate::{
    MigrateError, Said,
    identity::Until,
    ledger::{self, Ran, Tries},
    patience::Patience,
    script::Script,
    sessions,
    watch::{Seen, relations, strongest_lock},
};

/// How often a transaction is tried again that was at work, not waiting, when others had waited too long.
const HOLD_UPS: u32 = 5;

/// Why a transaction came to nothing.
struct Failed {
    /// The statement at which it did.
    index: usize,
    said: Said,
    /// Whether it was cancelled because others waited for it.
    held_up: bool,
}

impl Hands<'_> {
    /// Tries the transaction until it is through. When a lock is not to be had, or others have waited too long, all of
    /// it is given up, so that nobody waits for what only waits itself.
    pub(super) async fn until_done(
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
        let next = "migrate check shows what to write instead; or say in metadata.toml why it may run as it is, \
                    accept = \"…\", and run it when there is no traffic";
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
}
