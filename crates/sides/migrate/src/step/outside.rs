//! Statements that Postgres refuses in a transaction.

use std::{collections::BTreeMap, time::Duration};

use tokio_postgres::Error;

use super::{Hands, place};
use crate::{
    Event, MigrateError, Said,
    concurrent::Concurrent,
    ledger::{self, Before, Tries},
    recover,
    script::Script,
    sessions,
    watch::Build,
};

/// How often somebody is told how far a long statement is.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl Hands<'_> {
    /// Runs such a statement. Its row is written before, so that a crash shows.
    pub(super) async fn outside(
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
}
