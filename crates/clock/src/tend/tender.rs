//! The loop: look, recycle, scale.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::{StreamExt as _, future::join_all};
use platform::place::{Instance as Copy, InstanceState};
use process::{Complaint, Process};
use reqwest::Client;
use scaling::{Circumstances, Decision, Policy, Signals, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    TendSettings, history,
    memory::{self, Series},
    metrics::Figures,
    recycling::{Recycling, Step},
    requests::{self, Request},
    signals::{self, Load},
    spare::{self, Room},
    trends,
};
use crate::{
    door::{self, Door, Order},
    watch::{
        ledger::{self, Action},
        restarts::{Budget, Verdict as Claim},
        roster::{self, Instance},
    },
};

/// What is recycled. Web and clock hold nothing for long.
const WORKER: &str = "worker";
const LIMIT: Duration = Duration::from_secs(2);
/// Counting jobs and keeping trends is not for every round.
const SELDOM: Duration = Duration::from_secs(60);
/// Workers that wear out faster than this have another illness.
const WORN_OUT: Budget = Budget { per_hour: 6, first_pause: Duration::from_secs(60) };

const SET_UP: &str = "\
SET statement_timeout = '5s';
LISTEN sides_scaling";
const TAKE: &str = "SELECT pg_try_advisory_lock(hashtextextended('sides tending', 0)) AS answer";
const GIVE: &str = "SELECT pg_advisory_unlock(hashtextextended('sides tending', 0)) AS answer";
const TICK: &str =
    "INSERT INTO sides.ticks (schedule, due_at, fired_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// Tends until the drain starts.
pub(crate) struct Tender {
    process: Process,
    settings: TendSettings,
    door: Door,
    client: Client,
    recycling: Option<Recycling>,
    series: HashMap<Uuid, Series>,
    figures: HashMap<Uuid, Figures>,
    latency: HashMap<String, Duration>,
    /// Since when one copy fewer would do.
    calm: HashMap<String, Instant>,
    /// A number that nobody here has set, as seen in the last round.
    strange: HashMap<String, u32>,
    began: Instant,
    seldom_at: Instant,
}

impl Tender {
    pub(crate) fn new(process: Process, settings: TendSettings, door: Door) -> anyhow::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            process,
            settings,
            door,
            client: Client::builder().no_proxy().timeout(LIMIT).build()?,
            recycling: None,
            series: HashMap::new(),
            figures: HashMap::new(),
            latency: HashMap::new(),
            calm: HashMap::new(),
            strange: HashMap::new(),
            began: now,
            seldom_at: now,
        })
    }

    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let drain = self.process.drain.clone();
        let mut complaint = Complaint::default();
        loop {
            tokio::select! {
                biased;
                () = drain.started() => return Ok(()),
                Err(error) = self.tend() => {
                    let text = format!("{error:#}");
                    if complaint.is_due(&text, Instant::now()) {
                        tracing::warn!("nothing is recycled or scaled, trying again: {text}");
                    }
                    tokio::time::sleep(self.settings.every).await;
                }
            }
        }
    }

    /// Rounds on one connection, until it is lost.
    async fn tend(&mut self) -> anyhow::Result<std::convert::Infallible> {
        let mut connection = database::connect(&self.process.database).await?;
        connection.batch_execute(SET_UP).await?;
        loop {
            self.round(&mut connection).await?;
            let mut told = std::pin::pin!(connection.notifications_stream());
            tokio::select! {
                wish = told.next() => drop(wish.ok_or_else(|| anyhow::anyhow!("the connection is lost"))??),
                () = tokio::time::sleep(self.settings.every) => {}
            }
        }
    }

    async fn round(&mut self, connection: &mut Connection) -> anyhow::Result<()> {
        let roster = roster::read(connection).await?;
        self.look(&roster).await;
        let now: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection).await?;
        if self.recycling.is_none() {
            let schedule = self.settings.recycle.clone();
            self.recycling = schedule.map(|schedule| Recycling::new(schedule, now.now));
        }
        let taken: Answer = diesel::sql_query(TAKE).get_result(connection).await?;
        if !taken.answer {
            return Ok(());
        }
        let done = self.act(connection, &roster, now.now).await;
        // When the connection is lost, so is the lock.
        let _: Answer = diesel::sql_query(GIVE).get_result(connection).await?;
        done
    }

    async fn act(
        &mut self,
        connection: &mut Connection,
        roster: &[Instance],
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let is_seldom = Instant::now() >= self.seldom_at;
        if is_seldom {
            self.seldom_at = Instant::now() + SELDOM;
            trends::write(connection, roster, &self.series, self.settings.memory).await?;
        }
        self.recycle(connection, roster, now, is_seldom).await?;
        let requests = requests::open(connection).await?;
        let mut processes: BTreeSet<String> = self.settings.scale.keys().cloned().collect();
        processes.extend(requests.iter().map(|request| request.process.clone()));
        for process in processes {
            let own: Vec<Request> = requests.iter().filter(|one| one.process == process).cloned().collect();
            match self.settings.scale.get(&process).cloned() {
                Some(policy) => self.scale(connection, &process, &policy, &own).await?,
                None => self.refuse_unknown(connection, &process, &own).await?,
            }
            requests::decided(connection, &own).await?;
        }
        Ok(())
    }

    /// Asks every copy for its memory and its requests.
    async fn look(&mut self, roster: &[Instance]) {
        let host = roster.iter().find(|one| one.id == self.process.instance).map(|one| one.host.clone());
        let asked = roster.iter().filter(|one| one.is_askable_from(host.as_deref().unwrap_or_default()));
        let asked = asked.map(async |one| {
            let answer = self.client.get(format!("http://{}/metrics", one.ops_address)).send().await.ok()?;
            Some((one, Figures::read(&answer.text().await.ok()?)))
        });
        let answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
        self.latency.clear();
        for (instance, figures) in answers {
            if let Some(bytes) = figures.memory {
                let series = self.series.entry(instance.id).or_default();
                series.take(self.began.elapsed().as_secs_f64(), memory::bytes(bytes));
            }
            let before = self.figures.insert(instance.id, figures.clone());
            if let Some(latency) = before.and_then(|before| figures.latency_since(&before)) {
                let slowest = self.latency.entry(instance.process.clone()).or_default();
                *slowest = latency.max(*slowest);
            }
        }
        self.series.retain(|id, _| roster.iter().any(|one| one.id == *id));
        self.figures.retain(|id, _| roster.iter().any(|one| one.id == *id));
    }

    async fn recycle(
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
        let Some(copies) = self.door.copies(WORKER).await else { return Ok(()) };
        let load = signals::load(connection, WORKER).await?;
        let lacks = if door::release_goes_on(connection).await? {
            Some("a release goes on".to_owned())
        } else {
            self.lacks(&copies, roster, load.oldest)
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
        if let Some((instance, reason)) = worn_out {
            let Some(copy) = door::find(&copies, &instance.ops_address) else { return Ok(()) };
            let wish =
                self.row(WORKER, "recycle", format!("{}: {reason}", copy.id), self.measured(&instance));
            if let (Claim::Now, Some(id)) = ledger::claim(connection, &wish, &WORN_OUT).await? {
                self.restart(id, &copy.id, &wish.reason).await;
            }
            return Ok(());
        }
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
                if copies.iter().any(|one| one.id == copy) {
                    let reason = format!("{copy}: it is time, RECYCLE says so");
                    let measured =
                        json!({ "copies": copies.len(), "oldest_job_seconds": load.oldest.as_secs() });
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
            let line = self.series.get(&worker.id).and_then(Series::line);
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
        let line = self.series.get(&instance.id).and_then(Series::line);
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

    fn lacks(&self, copies: &[Copy], roster: &[Instance], oldest: Duration) -> Option<String> {
        let host = roster.iter().find(|one| one.id == self.process.instance).map(|one| one.host.as_str());
        let here = roster.iter().filter(|one| one.process == WORKER && Some(one.host.as_str()) == host);
        let takes = here.filter_map(|one| self.figures.get(&one.id)?.memory).max();
        let abilities = self.door.place.abilities(WORKER);
        Room { copies, abilities: &abilities, oldest, memory: spare::memory_left().zip(takes) }.lacks()
    }

    async fn scale(
        &mut self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(copies) = self.door.copies(process).await else { return Ok(()) };
        let load = signals::load(connection, process).await?;
        let signals = self.signals(process, &copies, &load, requests);
        let mut history = history::read(connection, process).await?;
        let release = door::release_goes_on(connection).await?;
        let mut staying = copies.iter().filter(|copy| copy.state != InstanceState::Draining);
        let settled = staying.all(|copy| copy.state == InstanceState::Healthy);
        let is_strange = history.expected.is_some_and(|expected| expected != signals.copies);
        // While one copy follows another there is one more for a moment.
        if !is_strange || release || !settled {
            self.strange.remove(process);
        } else {
            history.person = Some(Duration::ZERO);
            if self.strange.insert(process.to_owned(), signals.copies) == Some(signals.copies) {
                let reason = format!("there are {} copies, set by somebody else", signals.copies);
                let mut found = self.row(process, "found scaled", reason, json!({ "to": signals.copies }));
                found.outcome = format!("it holds for {} min", policy.hold.as_secs() / 60);
                ledger::put(connection, &found).await?;
            }
        }
        let is_calm = scaling::is_calm(policy, &signals);
        let calm = match self.calm.get(process) {
            Some(since) if is_calm => since.elapsed(),
            _ => Duration::ZERO,
        };
        if is_calm {
            self.calm.entry(process.to_owned()).or_insert_with(Instant::now);
        } else {
            self.calm.remove(process);
        }
        let now = Circumstances {
            release,
            settled,
            changed: history.changed,
            changes: history.changes,
            person: history.person,
            calm,
        };
        match scaling::decide(policy, &signals, &now) {
            Some(decision) => {
                self.follow(connection, process, policy, &signals, &now, &decision, requests).await
            }
            None => Ok(()),
        }
    }

    fn signals(&self, process: &str, copies: &[Copy], load: &Load, requests: &[Request]) -> Signals {
        let staying = copies.iter().filter(|copy| copy.state != InstanceState::Draining).count();
        let staying = u32::try_from(staying).unwrap_or(u32::MAX);
        Signals {
            copies: staying,
            idle: if load.slots == 0 { staying } else { load.idle },
            slots: load.slots,
            busy: load.busy,
            waiting: load.waiting,
            oldest: load.oldest,
            latency: self.latency.get(process).copied(),
            asked: requests.first().map(|request| format!("{} asks: {}", request.asked_by, request.reason)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything that was decided with is written down")]
    async fn follow(
        &self,
        connection: &mut Connection,
        process: &str,
        policy: &Policy,
        signals: &Signals,
        now: &Circumstances,
        decision: &Decision,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let (Verdict::Scale(to) | Verdict::Refuse(to)) = decision.verdict;
        let evidence: Vec<&Value> = requests.iter().map(|request| &request.evidence).collect();
        let measured = json!({
            "from": signals.copies, "to": to, "rule": decision.rule, "signals": signals,
            "circumstances": now, "policy": policy, "evidence": evidence,
        });
        let action = match decision.verdict {
            Verdict::Scale(_) => "scale",
            Verdict::Refuse(_) => "scale refused",
        };
        let mut row = self.row(process, action, decision.reason.clone(), measured);
        if let Verdict::Scale(to) = decision.verdict {
            let id = ledger::put(connection, &row).await?;
            let order = Order::Scale { process: process.to_owned(), count: to };
            // What became of it is in the ledger.
            drop(self.door.carry_out(id, order, &decision.reason).await);
        } else {
            row.outcome = "nothing was changed".to_owned();
            // A wish is answered each time; figures only when the answer changes.
            if requests.is_empty() {
                ledger::write_new(connection, &row).await?;
            } else {
                ledger::put(connection, &row).await?;
            }
        }
        Ok(())
    }

    async fn refuse_unknown(
        &self,
        connection: &mut Connection,
        process: &str,
        requests: &[Request],
    ) -> anyhow::Result<()> {
        let Some(request) = requests.first() else { return Ok(()) };
        let reason = format!(
            "{} asks: {}; but {process} is not scaled: name its range in SCALE, as {process}=1-4",
            request.asked_by, request.reason
        );
        let measured = json!({ "rule": "off", "evidence": request.evidence });
        let mut row = self.row(process, "scale refused", reason, measured);
        row.outcome = "nothing was changed".to_owned();
        ledger::put(connection, &row).await?;
        Ok(())
    }

    fn row(&self, process: &str, action: &'static str, reason: String, measured: Value) -> Action {
        Action {
            at: Utc::now(),
            subject: process.to_owned(),
            action,
            asked_by: format!("clock {}", self.process.instance),
            reason,
            measured,
            outcome: "begun".to_owned(),
        }
    }
}
