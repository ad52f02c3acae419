//! What follows a failed try: a pause, or an error.

use super::Hands;
use crate::{Event, MigrateError, Said, ledger::Tries, script::Script};

impl Hands<'_> {
    pub(super) async fn pause_or_fail(
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

    pub(super) async fn retry(&mut self, script: &Script<'_>, blockers: Vec<String>, tries: &mut Tries) {
        let (migration, attempt) = (script.migration.name().to_owned(), tries.failed + 1);
        (self.tell)(Event::Retries { migration, attempt, blockers });
        tokio::time::sleep(self.options.pause_after(attempt)).await;
        tries.again();
    }
}
