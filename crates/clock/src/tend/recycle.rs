//! Recycling: workers start afresh when `RECYCLE` says so, or earlier when they wear out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use platform::place::{Abilities, Instance as Copy};
use serde_json::{Value, json};

use super::{
    recycling::Step,
    signals,
    spare::{self, Room},
    tender::Tender,
};
use crate::{
    copy,
    door::{self, Order},
    watch::{
        ledger,
        restarts::{Budget, Verdict as Claim},
        roster::Instance,
    },
};

/// What is recycled. Web and clock hold nothing for long.
const WORKER: &str = "worker";
/// Workers that wear out faster than this have another illness.
const WORN_OUT: Budget = Budget { per_hour: 6, first_pause: Duration::from_secs(60) };

const TICK: &str =
    "INSERT INTO sides.ticks (schedule, due_at, fired_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

impl Tender {
    pub(super) async fn recycle(
        &mut self,
        connection: &mut Connection,
        roster: &[Instance],
        now: DateTime<Utc>,
        is_seldom: bool,
    ) -> anyhow::Result<()> {
        let step = self.recycling.as_mut().map_or(Step::Nothing, |recycling| recycling.step(now));
        let worn_out = self.worn_out(connection, roster, is_seldom).await?;
        if step == Step::Nothing && worn_out.is_none() {
            return Ok(());
        }
        let Some(abilities) = self.door.abilities(WORKER) else { return Ok(()) };
        let Some(mut copies) = self.door.copies(WORKER).await else { return Ok(()) };
        let load = signals::load(connection, WORKER).await?;
        let lacks = if door::release_goes_on(connection).await? {
            Some("a release goes on".to_owned())
        } else if let Some(lacks) = self.lacks(&copies, &abilities, roster, load.oldest) {
            Some(lacks)
        } else {
            let Some(now) = self.door.copies_now(WORKER).await else { return Ok(()) };
            copies = now;
            self.lacks(&copies, &abilities, roster, load.oldest)
        };
        if let Some(lacks) = lacks {
            if self.recycling.as_mut().is_some_and(|recycling| recycling.give_up(now)) {
                let reason = format!("there was no room within an hour: {lacks}");
                let mut refusal = self.row(WORKER, "recycle refused", reason, json!({ "lacks": lacks }));
                refusal.outcome = "the next moment comes".to_owned();
                ledger::write(connection, &refusal).await?;
            }
            return Ok(());
        }
        let here = self.looks.host(roster).unwrap_or_default();
        if let Some((instance, reason)) = worn_out
            && let Some(copy) = copy::of(&copies, &instance, here)
        {
            let reason = format!("{}: {reason}", copy::name(copy));
            let wish = self.row(WORKER, "recycle", reason, self.measured(&instance));
            if let (Claim::Now, Some(id)) = ledger::claim(connection, &wish, &WORN_OUT).await? {
                self.restart(id, &copy.id, &wish.reason).await;
            }
            return Ok(());
        }
        self.take(connection, step, &copies, load.oldest).await
    }

    /// Carries the recycling that `RECYCLE` asks for one step on.
    async fn take(
        &mut self,
        connection: &mut Connection,
        step: Step,
        copies: &[Copy],
        oldest: Duration,
    ) -> anyhow::Result<()> {
        match step {
            Step::Nothing => {}
            Step::Due(moment) => {
                let Some(recycling) = &mut self.recycling else { return Ok(()) };
                let mine = diesel::sql_query(TICK)
                    .bind::<Text, _>(recycling.name())
                    .bind::<Timestamptz, _>(moment)
                    .bind::<SqlUuid, _>(self.process.instance)
                    .execute(connection)
                    .await?;
                // What started since is fresh.
                let old = copies.iter().filter(|copy| copy.since < moment).map(|copy| copy.id.clone());
                recycling.begin(if mine == 1 { old.collect() } else { Vec::new() });
            }
            Step::Copy(copy) => {
                if let Some(one) = copies.iter().find(|one| one.id == copy) {
                    let reason = format!("{}: it is time, RECYCLE says so", copy::name(one));
                    let measured = json!({ "copies": copies.len(), "oldest_job_seconds": oldest.as_secs() });
                    let wish = self.row(WORKER, "recycle", reason, measured);
                    let id = ledger::put(connection, &wish).await?;
                    self.restart(id, &copy, &wish.reason).await;
                }
                if let Some(recycling) = &mut self.recycling {
                    recycling.done();
                }
            }
        }
        Ok(())
    }

    async fn restart(&self, id: i64, copy: &str, reason: &str) {
        let order = Order::Restart { process: WORKER.to_owned(), copy: copy.to_owned() };
        // What became of it is in the ledger.
        drop(self.door.carry_out(id, order, reason).await);
    }

    /// A worker that should go before its time, and why.
    async fn worn_out(
        &self,
        connection: &mut Connection,
        roster: &[Instance],
        is_seldom: bool,
    ) -> anyhow::Result<Option<(Instance, String)>> {
        let workers = || roster.iter().filter(|one| one.process == WORKER && one.state == "ready");
        for worker in workers() {
            let line = self.looks.line(worker.id);
            if let Some(reason) = line.and_then(|line| line.is_worn_out(self.settings.memory)) {
                return Ok(Some((worker.clone(), reason)));
            }
        }
        if self.settings.jobs == 0 || !is_seldom {
            return Ok(None);
        }
        let ended = signals::ended(connection).await?;
        let most = self.settings.jobs;
        Ok(workers().find_map(|worker| {
            let jobs = *ended.get(&worker.id)?;
            (jobs >= most)
                .then(|| (worker.clone(), format!("it has done {jobs} jobs, RECYCLE_JOBS is {most}")))
        }))
    }

    fn measured(&self, instance: &Instance) -> Value {
        let line = self.looks.line(instance.id);
        line.map_or_else(
            || json!({}),
            |line| {
                json!({
                    "resident_bytes": line.last,
                    "bytes_per_hour": line.slope * 3_600.0,
                    "fit": line.fit,
                    "samples": line.samples,
                    "release": instance.release,
                })
            },
        )
    }

    fn lacks(
        &self,
        copies: &[Copy],
        abilities: &Abilities,
        roster: &[Instance],
        oldest: Duration,
    ) -> Option<String> {
        let takes = self.looks.largest(WORKER, roster);
        let here = self.looks.host(roster).unwrap_or_default();
        // A place that has one copy follow another in its stead knows that it runs, and not how it is.
        let unready = copies.iter().find(|copy| !abilities.surges && !is_ready(copy, copies, roster, here));
        let unready = unready.map(copy::name);
        Room { copies, abilities, unready, oldest, memory: spare::memory_left().zip(takes) }.lacks()
    }
}

/// Whether the process in a copy said a moment ago that it is ready.
fn is_ready(copy: &Copy, copies: &[Copy], roster: &[Instance], here: &str) -> bool {
    let is_it = |one: &Instance| copy::of(copies, one, here).is_some_and(|found| found.id == copy.id);
    roster.iter().any(|one| one.process == WORKER && one.state == "ready" && one.is_heard_of() && is_it(one))
}
