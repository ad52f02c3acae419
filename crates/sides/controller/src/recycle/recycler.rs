//! Carries recycling out, one instance after the other.

use std::time::Duration;

use ::schema::{jobs::load, ticks};
use chrono::{DateTime, Utc};
use database::Connection;
use platform::place::{Abilities, Instance as Replica};
use serde_json::{Value, json};

use super::{
    headroom::{self, Headroom},
    rotation::{Rotation, Step},
    settings,
};
use crate::{
    actions,
    actuator::{self, Order},
    budget::{Budget, Verdict as Claim},
    inventory::Instance,
    reconciler::Reconciler,
    replica,
};

/// Workers that wear out faster than this have another illness.
const WORN_OUT: Budget = Budget { per_hour: 6, first_pause: Duration::from_secs(60) };

impl Reconciler {
    /// Knows the next moment of each process that works jobs, by `RECYCLE`.
    pub(crate) fn plan_rotations(
        &mut self,
        instances: &[Instance],
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let Some(expression) = &self.settings.recycle.expression else { return Ok(()) };
        for worker in instances.iter().filter(|one| one.works) {
            if !self.rotations.contains_key(&worker.process) {
                let schedule = settings::schedule(&worker.process, expression)?;
                self.rotations.insert(worker.process.clone(), Rotation::new(schedule, now));
            }
        }
        Ok(())
    }

    pub(crate) async fn recycle(
        &mut self,
        connection: &mut Connection,
        process: &str,
        instances: &[Instance],
        now: DateTime<Utc>,
        is_seldom: bool,
    ) -> anyhow::Result<()> {
        let step = self.rotations.get_mut(process).map_or(Step::Nothing, |rotation| rotation.step(now));
        let worn_out = self.worn_out(connection, process, instances, is_seldom).await?;
        if step == Step::Nothing && worn_out.is_none() {
            return Ok(());
        }
        let Some(abilities) = self.actuator.abilities(process) else { return Ok(()) };
        let Some(mut replicas) = self.actuator.replicas(process).await else { return Ok(()) };
        let oldest = load::read(connection, process).await?.oldest;
        let lacks = if actuator::release_is_running(connection).await? {
            Some("a release is running".to_owned())
        } else if let Some(lacks) = self.lacks(process, &replicas, &abilities, instances, oldest) {
            Some(lacks)
        } else {
            let Some(now) = self.actuator.replicas_now(process).await else { return Ok(()) };
            replicas = now;
            self.lacks(process, &replicas, &abilities, instances, oldest)
        };
        if let Some(lacks) = lacks {
            if self.rotations.get_mut(process).is_some_and(|rotation| rotation.give_up(now)) {
                let reason = format!("there was no room within an hour: {lacks}");
                let mut refusal = self.row(process, "recycle refused", reason, json!({ "lacks": lacks }));
                refusal.outcome = "the next moment has come".to_owned();
                actions::write(connection, &refusal).await?;
            }
            return Ok(());
        }
        let here = self.scraper.host(instances).unwrap_or_default();
        if let Some((instance, reason)) = worn_out
            && let Some(replica) = replica::of(&replicas, &instance, here)
        {
            let reason = format!("{}: {reason}", replica::name(replica));
            let wish = self.row(process, "recycle", reason, self.measured(&instance));
            if let (Claim::Now, Some(id)) = actions::claim(connection, &wish, &WORN_OUT).await? {
                self.replace(id, process, &replica.id, &wish.reason).await;
            }
            return Ok(());
        }
        self.rotate(connection, process, step, &replicas, oldest).await
    }

    /// Carries the rotation that `RECYCLE` asks for one step on.
    async fn rotate(
        &mut self,
        connection: &mut Connection,
        process: &str,
        step: Step,
        replicas: &[Replica],
        oldest: Duration,
    ) -> anyhow::Result<()> {
        match step {
            Step::Nothing => {}
            Step::Due(moment) => {
                let Some(rotation) = self.rotations.get_mut(process) else { return Ok(()) };
                let mine = ticks::take(connection, rotation.name(), moment, self.process.instance).await?;
                // What started since is fresh.
                let old = replicas.iter().filter(|one| one.since < moment).map(|one| one.id.clone());
                rotation.begin(if mine { old.collect() } else { Vec::new() });
            }
            Step::Replace(id) => {
                if let Some(one) = replicas.iter().find(|one| one.id == id) {
                    let reason = format!("{}: due by RECYCLE", replica::name(one));
                    let measured =
                        json!({ "instances": replicas.len(), "oldest_job_seconds": oldest.as_secs() });
                    let wish = self.row(process, "recycle", reason, measured);
                    let row = actions::put(connection, &wish).await?;
                    self.replace(row, process, &id, &wish.reason).await;
                }
                if let Some(rotation) = self.rotations.get_mut(process) {
                    rotation.done();
                }
            }
        }
        Ok(())
    }

    async fn replace(&self, row: i64, process: &str, replica: &str, reason: &str) {
        let order = Order::Restart { process: process.to_owned(), replica: replica.to_owned() };
        // The outcome is in the row.
        drop(self.actuator.carry_out(row, order, reason).await);
    }

    /// A worker that should go before its time, and why.
    async fn worn_out(
        &self,
        connection: &mut Connection,
        process: &str,
        instances: &[Instance],
        is_seldom: bool,
    ) -> anyhow::Result<Option<(Instance, String)>> {
        let ready = || instances.iter().filter(|one| one.process == process && one.state == "ready");
        for worker in ready() {
            let line = self.scraper.line(worker.id);
            if let Some(reason) = line.and_then(|line| line.is_worn_out(self.settings.recycle.memory)) {
                return Ok(Some((worker.clone(), reason)));
            }
        }
        let most = self.settings.recycle.jobs;
        if most == 0 || !is_seldom {
            return Ok(None);
        }
        let ended = load::ended(connection).await?;
        Ok(ready().find_map(|worker| {
            let jobs = *ended.get(&worker.id)?;
            (jobs >= most)
                .then(|| (worker.clone(), format!("it has run {jobs} jobs; RECYCLE_JOBS is {most}")))
        }))
    }

    fn measured(&self, instance: &Instance) -> Value {
        let line = self.scraper.line(instance.id);
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
        process: &str,
        replicas: &[Replica],
        abilities: &Abilities,
        instances: &[Instance],
        oldest: Duration,
    ) -> Option<String> {
        let takes = self.scraper.largest(process, instances);
        let here = self.scraper.host(instances).unwrap_or_default();
        // A place that replaces in place knows that a replica runs, and not how it is.
        let unready =
            replicas.iter().find(|one| !abilities.surges && !is_ready(one, replicas, instances, here));
        let unready = unready.map(replica::name);
        Headroom { replicas, abilities, unready, oldest, memory: headroom::memory_left().zip(takes) }.lacks()
    }
}

/// Whether the process in a replica said a moment ago that it is ready.
fn is_ready(wanted: &Replica, replicas: &[Replica], instances: &[Instance], here: &str) -> bool {
    let is_it = |one: &Instance| replica::of(replicas, one, here).is_some_and(|found| found.id == wanted.id);
    instances.iter().any(|one| one.state == "ready" && one.is_heard_of() && is_it(one))
}
