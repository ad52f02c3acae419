//! The loop: probe every instance, detect what is down, record it, notify people.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::Utc;
use database::PooledConnection;
use futures_util::future::join_all;
use process::Process;
use reqwest::{Client, redirect::Policy};
use serde_json::json;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    WatchSettings,
    detector::{FailureDetector, Finding, Observation},
    notify, probe,
    restart::{self, Down},
};
use crate::{
    actions::{self, Action},
    actuator::Actuator,
    budget::Budget,
    inventory::{self, Instance},
};

const DATABASE: &str = "database";
/// An answer of the database that takes longer counts as none.
const LIMIT: Duration = Duration::from_secs(8);
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);
/// What is kept while the database is unavailable. The oldest go first.
const MOST_BUFFERED: usize = 1_000;

/// Watches until the drain starts.
pub(crate) struct Watcher {
    process: Process,
    settings: WatchSettings,
    actuator: Option<Actuator>,
    /// The restart that is going on.
    restarting: Option<JoinHandle<()>>,
    /// For our own processes: never over a proxy.
    internal: Client,
    /// For the webhook and the dead man's switch.
    external: Client,
    detector: FailureDetector,
    instances: Vec<Instance>,
    host: String,
    /// What was seen while the database was unavailable.
    buffer: VecDeque<Action>,
    deadman_at: Instant,
    prune_at: Instant,
}

impl Watcher {
    pub(crate) fn new(
        process: Process,
        settings: WatchSettings,
        actuator: Option<Actuator>,
    ) -> anyhow::Result<Self> {
        // The machine's certificates are a third of a megabyte: not held for plain HTTP, nor where nobody is notified.
        let internal = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build();
        let internal = internal.context("cannot create an HTTP client")?;
        let tells = settings.webhook.is_some() || settings.deadman.is_some();
        let external = if tells { Client::builder().build() } else { Ok(internal.clone()) };
        Ok(Self {
            internal,
            external: external.context("cannot create an HTTP client")?,
            detector: FailureDetector::new(settings.failures),
            process,
            settings,
            actuator,
            restarting: None,
            instances: Vec::new(),
            host: String::new(),
            buffer: VecDeque::new(),
            deadman_at: Instant::now(),
            prune_at: Instant::now(),
        })
    }

    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let drain = self.process.drain.clone();
        let mut rounds = interval(self.settings.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = drain.started() => return Ok(()),
                _ = rounds.tick() => {}
            }
            tokio::select! {
                biased;
                () = drain.started() => return Ok(()),
                () = self.round() => {}
            }
        }
    }

    async fn round(&mut self) {
        let mut connection = self.read_inventory().await;
        let observations = self.probe_all(&connection).await;
        let subjects: Vec<String> = observations.iter().map(|(subject, _)| subject.clone()).collect();
        let now = Instant::now();
        let mut actions = Vec::new();
        for (subject, observation) in &observations {
            if let Some(finding) = self.detector.observe(subject, observation, now) {
                actions.push(self.action(subject, finding));
            }
        }
        for subject in self.detector.keep(&subjects) {
            actions.push(self.row(&subject, "found gone", "it was stopped or replaced".to_owned()));
        }
        for action in actions {
            tracing::warn!(action.subject, action.action, "{}: {}", action.action, action.reason);
            self.record(action, connection.as_mut().ok()).await;
        }
        if let Ok(connection) = &mut connection {
            self.write_buffered(connection).await;
            self.prune(connection).await;
            self.restart_one(&observations);
        }
        self.check_in();
    }

    /// Reads what runs; while the database is unavailable, what ran last stays.
    async fn read_inventory(&mut self) -> Result<PooledConnection, String> {
        let mut connection =
            self.process.pool.get().await.map_err(|error| process::chain(&error).to_string())?;
        let read = tokio::time::timeout(LIMIT, inventory::read(&mut connection)).await;
        let instances = read.map_err(|_| "it does not answer".to_owned())?;
        self.instances = instances.map_err(|error| process::chain(&error).to_string())?;
        if let Some(own) = self.instances.iter().find(|one| one.id == self.process.instance) {
            self.host.clone_from(&own.host);
        }
        Ok(connection)
    }

    async fn probe_all(&self, connection: &Result<PooledConnection, String>) -> Vec<(String, Observation)> {
        let heard = connection.is_ok();
        let asked = self.instances.iter().map(async |instance| {
            (instance.subject(), probe::probe(&self.internal, &self.host, instance, heard).await)
        });
        let mut observations = join_all(asked).await;
        let database =
            connection.as_ref().err().map_or(Observation::Well, |error| Observation::Down(error.clone()));
        observations.push((DATABASE.to_owned(), database));
        observations
    }

    fn action(&self, subject: &str, finding: Finding) -> Action {
        match finding {
            Finding::Down(reason) => self.row(subject, "found down", reason),
            Finding::Unreachable(reason) => self.row(subject, "found unreachable", reason),
            Finding::Well(reason) => self.row(subject, "found well", reason),
        }
    }

    fn row(&self, subject: &str, action: &'static str, reason: String) -> Action {
        let instance = self.instances.iter().find(|one| one.subject() == subject);
        Action {
            at: Utc::now(),
            subject: subject.to_owned(),
            action,
            asked_by: actions::asked_by(&self.process),
            reason,
            measured: json!({
                "failures_in_a_row": self.settings.failures,
                "seconds_between": self.settings.every.as_secs(),
                "ops_address": instance.map(|one| &one.ops_address),
                "public_address": instance.and_then(|one| one.public_address.as_ref()),
                "heartbeat_age_seconds": instance.map(|one| one.silence),
            }),
            outcome: "begun".to_owned(),
        }
    }

    /// Writes an action down and does what follows from it; without a database, the other way round.
    async fn record(&mut self, mut action: Action, connection: Option<&mut PooledConnection>) {
        let Some(connection) = connection else {
            action.outcome = self.notify(&action).await;
            self.keep_for_later(action);
            return;
        };
        match actions::write(connection, &action).await {
            Ok(Some(id)) => {
                let outcome = self.notify(&action).await;
                if let Err(error) = actions::conclude(connection, id, &outcome).await {
                    tracing::warn!(action.id = id, "cannot record an outcome: {outcome}: {error}");
                }
            }
            Ok(None) => tracing::debug!(action.subject, "another controller wrote it down"),
            Err(error) => {
                tracing::warn!("an action is waiting to be recorded: {}", process::chain(&error));
                self.keep_for_later(action);
            }
        }
    }

    fn keep_for_later(&mut self, action: Action) {
        if self.buffer.len() == MOST_BUFFERED {
            self.buffer.pop_front();
        }
        self.buffer.push_back(action);
    }

    /// What was seen while the database was unavailable.
    async fn write_buffered(&mut self, connection: &mut PooledConnection) {
        // One that the database never takes must not hold up the others.
        for _ in 0..self.buffer.len() {
            let Some(action) = self.buffer.pop_front() else { return };
            if let Err(error) = actions::write(connection, &action).await {
                tracing::warn!("an observation is waiting to be recorded: {}", process::chain(&error));
                self.keep_for_later(action);
            }
        }
    }

    async fn prune(&mut self, connection: &mut PooledConnection) {
        if Instant::now() < self.prune_at {
            return;
        }
        self.prune_at = Instant::now() + PRUNE_EVERY;
        if let Err(error) = ::schema::actions::prune(connection).await {
            tracing::warn!("cannot delete old actions: {}", process::chain(&error));
        }
    }

    /// Notifies people when the queue cannot; the outcome in words.
    async fn notify(&self, action: &Action) -> String {
        match &self.settings.webhook {
            _ if !self.is_queue_down() => "the queue works: the monitor's incidents tell it".to_owned(),
            Some(webhook) => notify::post(&self.external, webhook, action).await,
            None => "WATCH_WEBHOOK_URL is not set: only this row tells it".to_owned(),
        }
    }

    /// Has one of those that are down restarted, when its budget allows it. That may take minutes, in which the rounds
    /// go on.
    fn restart_one(&mut self, observations: &[(String, Observation)]) {
        let is_at_it = self.restarting.as_ref().is_some_and(|task| !task.is_finished());
        let Some(actuator) =
            self.actuator.clone().filter(|_| self.settings.restarts_per_hour > 0 && !is_at_it)
        else {
            return;
        };
        let down = observations.iter().filter_map(|(subject, observation)| {
            let Observation::Down(reason) = observation else { return None };
            // Anyone who has a dead loop of its own drains by itself.
            let others = |one: &&Instance| one.subject() == *subject && one.id != self.process.instance;
            let instance =
                self.instances.iter().find(others).filter(|_| self.detector.is_down(subject))?.clone();
            let row = self.row(&instance.process, "restart", String::new());
            Some(Down { instance, reason: reason.clone(), row })
        });
        let down: Vec<Down> = down.collect();
        if down.is_empty() {
            return;
        }
        let (budget, here) = (Budget::of(self.settings.restarts_per_hour), self.host.clone());
        self.restarting = Some(tokio::spawn(async move {
            if let Err(error) = restart::restart_one(&actuator, &here, budget, down).await {
                tracing::warn!("the restart of what is down is delayed: {error:#}");
            }
        }));
    }

    /// Without a database, or an instance that works jobs, nobody would hear of it through a job.
    fn is_queue_down(&self) -> bool {
        let mut workers = self.instances.iter().filter(|one| one.works);
        !self.detector.is_well(DATABASE) || workers.all(|one| !self.detector.is_well(&one.subject()))
    }

    /// Calls the dead man's switch while all is well. Who hears nothing any more raises the alarm.
    fn check_in(&mut self) {
        let Some(switch) = &self.settings.deadman else { return };
        let is_well = self.detector.all_well() && self.process.health.is_ready();
        if !is_well || Instant::now() < self.deadman_at {
            return;
        }
        self.deadman_at = Instant::now() + self.settings.deadman_every;
        let (external, switch) = (self.external.clone(), switch.clone());
        tokio::spawn(async move {
            if let Err(error) = notify::all_is_well(&external, &switch).await {
                tracing::warn!("cannot reach the dead man's switch: {error}");
            }
        });
    }
}
