//! Walks a table batch by batch.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, types::ToSql};

use super::{Batched, Pace, checkpoint, key::Key, load, whole};
use crate::{
    Event, MigrateError, Options, Said,
    identity::{Identity, Until},
    script::Script,
    watch::Watch,
};

/// How often somebody is told.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How soon a resumed one goes on.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// One statement of a backfill at work.
pub(crate) struct Batches<'a> {
    pub(crate) client: &'a Client,
    /// Sees over another connection who stands in the way.
    pub(crate) watch: &'a Watch,
    pub(crate) options: &'a Options,
    pub(crate) script: &'a Script<'a>,
    pub(crate) index: usize,
    pub(crate) step_id: i64,
    /// Who the runner is, between the batches and for the checkpoint.
    pub(crate) own: &'a Identity,
    /// Who the migration is, for its own statement.
    pub(crate) role: &'a Identity,
    pub(crate) tell: &'a mut (dyn FnMut(Event) + Send),
}

/// One batch that was done.
struct Done {
    last: Option<Vec<String>>,
    visited: i64,
    is_end: bool,
}

impl Batches<'_> {
    /// Works until no row is left; may take days.
    pub(crate) async fn run(&mut self, batched: &Batched) -> Result<(), MigrateError> {
        let key = self.key(batched).await?;
        let key = key.as_ref();
        let name = self.script.migration.name();
        let mut at = checkpoint::open(self.client, self.step_id, name, &batched.table).await?;
        let mut pace = Pace::new(self.options.pace);
        let (begun, began_with, mut told) = (Instant::now(), at.visited, None::<Instant>);
        let mut failed = 0;
        loop {
            self.wait_while_paused().await?;
            let started = Instant::now();
            let done = match self.batch(batched, key, &at.last, &pace).await {
                Ok(done) => done,
                Err(said)
                    if said.is_cancelled()
                        && pace.limit().is_some_and(|limit| started.elapsed() >= limit) =>
                {
                    pace.took_too_long();
                    continue;
                }
                Err(said) => {
                    failed += 1;
                    pace.met_a_lock();
                    self.give_up_or_wait(said, failed).await?;
                    continue;
                }
            };
            failed = 0;
            at.visited += done.visited;
            if done.is_end {
                break;
            }
            at.last = done.last;
            let (took, committed) = (started.elapsed(), Instant::now());
            checkpoint::settle(self.client, self.step_id).await?;
            tokio::time::sleep(pace.after(took, committed.elapsed())).await;

            // A replica has had its rest, too: what it is behind now it does not make up by itself.
            let brake = pace.before(&load::look(self.client).await?);
            let slow = brake.map(|(_, slow)| slow.to_string());
            checkpoint::note_slow(self.client, self.step_id, slow.as_deref()).await?;
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                let milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX).max(1);
                let per_second = (at.visited - began_with).saturating_mul(1000) / milliseconds;
                let event = self.progress(at.visited, at.estimated, per_second, slow);
                (self.tell)(event);
            }
            if let Some((pause, _)) = brake {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(checkpoint::note_slow(self.client, self.step_id, None).await?)
    }

    async fn key(&mut self, batched: &Batched) -> Result<Option<Key>, MigrateError> {
        match walk(self.client, batched).await? {
            Ok(key) => Ok(key),
            Err(why) => Err(MigrateError::NotInBatches { site: Box::new(self.script.site(self.index)), why }),
        }
    }

    async fn batch(
        &mut self,
        batched: &Batched,
        key: Option<&Key>,
        from: &Option<Vec<String>>,
        pace: &Pace,
    ) -> Result<Done, Said> {
        let tried = self.try_batch(batched, key, from, pace).await;
        if tried.is_err() {
            // The first error is the one that matters.
            self.client.batch_execute("ROLLBACK").await.ok();
        }
        tried.map_err(Said::from)
    }

    async fn try_batch(
        &mut self,
        batched: &Batched,
        key: Option<&Key>,
        from: &Option<Vec<String>>,
        pace: &Pace,
    ) -> Result<Done, tokio_postgres::Error> {
        self.client.batch_execute(&begin(self.options.lock_timeout, pace.limit())).await?;
        if self.role != self.own {
            self.role.take(self.client, Until::TransactionEnds).await?;
        }
        let size = pace.size();
        let (end, changed) = match key {
            Some(key) => {
                let start = parameters(from);
                let end = self.client.query_opt(&batched.end_of(key, from.is_some(), size), &start).await?;
                let end: Option<Vec<String>> =
                    end.map(|row| (0..key.columns.len()).map(|place| row.get(place)).collect());
                let bounds: Vec<_> = start.into_iter().chain(parameters(&end)).collect();
                let statement = batched.within(key, from.is_some(), end.is_some());
                let changed = self.client.execute(&statement, &bounds).await?;
                (end, changed)
            }
            None => (None, self.client.execute(&batched.without_key(size).unwrap_or_default(), &[]).await?),
        };
        // Nobody counts the last few: those that were changed are known.
        let visited = if end.is_some() { size } else { changed };
        let is_end = if key.is_some() { end.is_none() } else { changed == 0 };
        let as_number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if self.role != self.own {
            self.own.take(self.client, Until::TransactionEnds).await?;
        }
        checkpoint::note(self.client, self.step_id, &end, as_number(visited), as_number(changed)).await?;
        self.client.batch_execute("COMMIT").await?;
        Ok(Done { last: end, visited: as_number(visited), is_end })
    }

    /// A runner that others wait for does not wait itself.
    async fn wait_while_paused(&mut self) -> Result<(), MigrateError> {
        let mut told = false;
        while let Some(by) = checkpoint::paused_by(self.client, self.step_id).await? {
            let migration = self.script.migration.name().to_owned();
            if !self.options.wait_while_paused {
                return Err(MigrateError::Paused { migration, by });
            }
            if !told {
                (self.tell)(Event::Paused { migration, by });
                told = true;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn give_up_or_wait(&mut self, said: Said, failed: u32) -> Result<(), MigrateError> {
        if !said.is_worth_another_try() {
            return Err(self.script.failed(self.index, said));
        }
        let blockers = self.watch.take_blockers();
        let migration = self.script.migration.name().to_owned();
        if failed >= self.options.tries {
            let outcome = "what was done so far stays; run it again to continue from there".to_owned();
            return Err(MigrateError::Locked {
                site: Box::new(self.script.site(self.index)),
                tries: failed,
                lock_timeout: self.options.lock_timeout,
                blockers,
                outcome,
            });
        }
        (self.tell)(Event::Retries { migration, attempt: failed, blockers });
        tokio::time::sleep(self.options.pause_after(failed)).await;
        Ok(())
    }

    fn progress(&self, visited: i64, estimated: Option<i64>, per_second: i64, slow: Option<String>) -> Event {
        let left = estimated.map(|all| (all - visited).max(0));
        Event::Progress {
            migration: self.script.migration.name().to_owned(),
            done: visited,
            estimated,
            per_second,
            seconds_left: left.filter(|_| per_second > 0).map(|left| left / per_second),
            slow,
        }
    }
}

/// Rows and checkpoint are one transaction: a crash loses both or none, so nobody has to wait for the disk. One that
/// waits for another's row lets others wait for its own: that ends ahead of the limit, so that it is told apart.
fn begin(lock_timeout: Duration, limit: Option<Duration>) -> String {
    let lock_timeout = limit.map_or(lock_timeout, |limit| lock_timeout.min(limit * 2 / 3));
    format!(
        "BEGIN; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; SET LOCAL synchronous_commit = off",
        lock_timeout.as_millis(),
        limit.unwrap_or_default().as_millis()
    )
}

/// The key along which the statement can be cut; none where it needs none. Or else why it cannot be cut.
pub(crate) async fn walk(
    client: &Client,
    batched: &Batched,
) -> Result<Result<Option<Key>, String>, tokio_postgres::Error> {
    let Some(key) = Key::of(client, &batched.table).await? else {
        if batched.without_key(1).is_some() {
            return Ok(whole::why(client, batched).await?.map_or(Ok(None), Err));
        }
        return Ok(Err(format!(
            "{} has no primary key and no unique index of NOT NULL columns, so it cannot be changed in batches; give \
             it one (CREATE UNIQUE INDEX CONCURRENTLY), or take phase = \"backfill\" out of metadata.toml and say \
             there why it may run at once: accept = \"…\"",
            batched.table
        )));
    };
    if let Some(why) = whole::why(client, batched).await? {
        return Ok(Err(why));
    }
    Ok(match key.columns.iter().find(|(name, _)| batched.assigned.contains(name)) {
        Some((column, _)) => Err(format!(
            "it sets {column}, along which the table is walked in batches, so rows could be met twice; fill a new \
             column instead"
        )),
        None => Ok(Some(key)),
    })
}

/// All of the statement in batches of that many rows, without a rest and without a checkpoint; or why it cannot be cut.
pub(crate) async fn in_batches(
    client: &Client,
    batched: &Batched,
    size: u64,
) -> Result<Result<(), String>, tokio_postgres::Error> {
    let key = match walk(client, batched).await? {
        Ok(key) => key,
        Err(why) => return Ok(Err(why)),
    };
    let Some(key) = key else {
        let statement = batched.without_key(size).unwrap_or_default();
        while client.execute(&statement, &[]).await? > 0 {}
        return Ok(Ok(()));
    };
    let mut last: Option<Vec<String>> = None;
    loop {
        let start = parameters(&last);
        let end = client.query_opt(&batched.end_of(&key, last.is_some(), size), &start).await?;
        let end: Option<Vec<String>> =
            end.map(|row| (0..key.columns.len()).map(|place| row.get(place)).collect());
        let bounds: Vec<_> = start.into_iter().chain(parameters(&end)).collect();
        client.execute(&batched.within(&key, last.is_some(), end.is_some()), &bounds).await?;
        if end.is_none() {
            return Ok(Ok(()));
        }
        last = end;
    }
}

fn parameters(values: &Option<Vec<String>>) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().flatten().map(|value| value as &(dyn ToSql + Sync)).collect()
}
