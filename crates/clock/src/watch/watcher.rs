//! The loop: ask everybody, judge, write down, tell.

use std::{collections::VecDeque, time::Instant};

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
    judge::{Finding, Judge, Sight},
    ledger::{self, Action},
    ping,
    restarting::{self, Down},
    restarts::Budget,
    roster,
    roster::Instance,
    tell,
};
use crate::door::Door;

const DATABASE: &str = "database";
/// What is kept while the database is away. The oldest go first.
const MOST_BUFFERED: usize = 1_000;

/// Watches until the drain starts.
pub(crate) struct Watcher {
    process: Process,
    settings: WatchSettings,
    door: Option<Door>,
    /// The restart that is going on.
    restarting: Option<JoinHandle<()>>,
    /// For our own processes: never over a proxy.
    near: Client,
    /// For the outside.
    far: Client,
    judge: Judge,
    roster: Vec<Instance>,
    host: String,
    /// What was seen while the database was away.
    buffer: VecDeque<Action>,
    deadman_at: Instant,
}

impl Watcher {
    pub(crate) fn new(process: Process, settings: WatchSettings, door: Option<Door>) -> anyhow::Result<Self> {
        // The machine's certificates are a third of a megabyte: they are not held for plain HTTP, nor where nobody is told.
        let near = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build();
        let near = near.context("cannot make an HTTP client")?;
        let tells = settings.webhook.is_some() || settings.deadman.is_some();
        let far = if tells { Client::builder().build() } else { Ok(near.clone()) };
        Ok(Self {
            near,
            far: far.context("cannot make an HTTP client")?,
            judge: Judge::new(settings.failures),
            process,
            settings,
            door,
            restarting: None,
            roster: Vec::new(),
            host: String::new(),
            buffer: VecDeque::new(),
            deadman_at: Instant::now(),
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
        let mut connection = self.read_roster().await;
        let sights = self.ask_all(&connection).await;
        let subjects: Vec<String> = sights.iter().map(|(subject, _)| subject.clone()).collect();
        let now = Instant::now();
        let mut actions = Vec::new();
        for (subject, sight) in &sights {
            if let Some(finding) = self.judge.see(subject, sight, now) {
                actions.push(self.action(subject, finding));
            }
        }
        for subject in self.judge.keep(&subjects) {
            actions.push(self.row(&subject, "found gone", "it was stopped or replaced".to_owned()));
        }
        for action in actions {
            tracing::warn!(action.subject, action.action, "{}: {}", action.action, action.reason);
            self.take(action, connection.as_mut().ok()).await;
        }
        if let Ok(connection) = &mut connection {
            self.tell_later(connection).await;
            self.restart_one(&sights);
        }
        self.reassure();
    }

    /// Who there is; what was known last while the database is away.
    async fn read_roster(&mut self) -> Result<PooledConnection, String> {
        let mut connection =
            self.process.pool.get().await.map_err(|error| process::chain(&error).to_string())?;
        let read = tokio::time::timeout(crate::ticker::LIMIT, roster::read(&mut connection)).await;
        let roster = read.map_err(|_| "it does not answer".to_owned())?;
        self.roster = roster.map_err(|error| process::chain(&error).to_string())?;
        if let Some(own) = self.roster.iter().find(|one| one.id == self.process.instance) {
            self.host.clone_from(&own.host);
        }
        Ok(connection)
    }

    async fn ask_all(&self, connection: &Result<PooledConnection, String>) -> Vec<(String, Sight)> {
        let heard = connection.is_ok();
        let asked = self.roster.iter().map(async |instance| {
            (instance.subject(), ping::ask(&self.near, &self.host, instance, heard).await)
        });
        let mut sights = join_all(asked).await;
        let database = connection.as_ref().err().map_or(Sight::Well, |error| Sight::Down(error.clone()));
        sights.push((DATABASE.to_owned(), database));
        sights
    }

    fn action(&self, subject: &str, finding: Finding) -> Action {
        match finding {
            Finding::Down(reason) => self.row(subject, "found down", reason),
            Finding::Unreachable(reason) => self.row(subject, "found unreachable", reason),
            Finding::Well(reason) => self.row(subject, "found well", reason),
        }
    }

    fn row(&self, subject: &str, action: &'static str, reason: String) -> Action {
        let instance = self.roster.iter().find(|one| one.subject() == subject);
        Action {
            at: Utc::now(),
            subject: subject.to_owned(),
            action,
            asked_by: format!("clock {}", self.process.instance),
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
    async fn take(&mut self, mut action: Action, connection: Option<&mut PooledConnection>) {
        let Some(connection) = connection else {
            action.outcome = self.follow(&action).await;
            self.keep_for_later(action);
            return;
        };
        match ledger::write(connection, &action).await {
            Ok(Some(id)) => {
                let outcome = self.follow(&action).await;
                if let Err(error) = ledger::conclude(connection, id, &outcome).await {
                    tracing::warn!(action.id = id, "an outcome is not written: {outcome}: {error}");
                }
            }
            Ok(None) => tracing::debug!(action.subject, "another clock wrote it down"),
            Err(error) => {
                tracing::warn!("an action waits to be written: {}", process::chain(&error));
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

    /// What was seen while the database was away.
    async fn tell_later(&mut self, connection: &mut PooledConnection) {
        while let Some(action) = self.buffer.front() {
            if let Err(error) = ledger::write(connection, action).await {
                tracing::warn!("what was seen waits to be written: {}", process::chain(&error));
                return;
            }
            self.buffer.pop_front();
        }
    }

    /// Tells people when the queue cannot.
    async fn follow(&self, action: &Action) -> String {
        match &self.settings.webhook {
            _ if !self.is_queue_down() => "the queue works: the monitor's incidents tell it".to_owned(),
            Some(webhook) => tell::post(&self.far, webhook, action).await,
            None => "WATCH_WEBHOOK_URL is not set: only this row tells it".to_owned(),
        }
    }

    /// Has one of those that are down started afresh, when its budget allows it. Looking for it and the order may take
    /// minutes, in which the rounds go on.
    fn restart_one(&mut self, sights: &[(String, Sight)]) {
        let is_at_it = self.restarting.as_ref().is_some_and(|task| !task.is_finished());
        let Some(door) = self.door.clone().filter(|_| self.settings.restarts_per_hour > 0 && !is_at_it)
        else {
            return;
        };
        let down = sights.iter().filter_map(|(subject, sight)| {
            let Sight::Down(reason) = sight else { return None };
            // Whoever has a dead loop of its own drains by itself.
            let others = |one: &&Instance| one.subject() == *subject && one.id != self.process.instance;
            let instance = self.roster.iter().find(others).filter(|_| self.judge.is_down(subject))?.clone();
            let row = self.row(&instance.process, "restart", String::new());
            Some(Down { instance, reason: reason.clone(), row })
        });
        let down: Vec<Down> = down.collect();
        if down.is_empty() {
            return;
        }
        let (budget, here) = (Budget::of(self.settings.restarts_per_hour), self.host.clone());
        self.restarting = Some(tokio::spawn(async move {
            if let Err(error) = restarting::restart_one(&door, &here, budget, down).await {
                tracing::warn!("what is down waits for its restart: {error:#}");
            }
        }));
    }

    /// Without a database or a worker nobody would hear of it through a job.
    fn is_queue_down(&self) -> bool {
        let mut workers = self.roster.iter().filter(|one| one.process == "worker");
        !self.judge.is_well(DATABASE) || workers.all(|one| !self.judge.is_well(&one.subject()))
    }

    /// Calls the dead man's switch while all is well. Whoever hears nothing any more raises the alarm.
    fn reassure(&mut self) {
        let Some(switch) = &self.settings.deadman else { return };
        let is_well = self.judge.all_well() && self.process.health.is_ready();
        if !is_well || Instant::now() < self.deadman_at {
            return;
        }
        self.deadman_at = Instant::now() + self.settings.deadman_every;
        let (far, switch) = (self.far.clone(), switch.clone());
        tokio::spawn(async move {
            if let Err(error) = tell::all_is_well(&far, &switch).await {
                tracing::warn!("the dead man's switch is not reached: {error}");
            }
        });
    }
}
