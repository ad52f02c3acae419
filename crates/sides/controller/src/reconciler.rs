//! The loop: scrape, recycle, scale. Of several controllers, only one does a round at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use ::schema::{
    locks,
    scale_requests::{self as requests, Request},
};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use process::{Complaint, Process};
use schedule::shown;
use serde_json::Value;

use crate::{
    Settings,
    actions::{self, Action},
    actuator::Actuator,
    inventory::{self, Instance},
    recycle::Rotation,
    scale::ScaleState,
    scrape::{Scraper, trends},
};

/// Counting jobs and keeping trends is not for every round.
const SELDOM: Duration = Duration::from_secs(60);
const SET_UP: &str = "\
SET statement_timeout = '5s';
LISTEN sides_scaling";

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

/// Brings the fleet to what the settings ask for, until the drain starts.
pub(crate) struct Reconciler {
    pub(crate) process: Process,
    pub(crate) settings: Settings,
    pub(crate) actuator: Actuator,
    pub(crate) scraper: Scraper,
    /// Of each process that works jobs.
    pub(crate) rotations: BTreeMap<String, Rotation>,
    pub(crate) scale_state: ScaleState,
    seldom_at: Instant,
}

impl Reconciler {
    pub(crate) fn new(process: Process, settings: Settings, actuator: Actuator) -> anyhow::Result<Self> {
        Ok(Self {
            scraper: Scraper::new(process.instance)?,
            process,
            settings,
            actuator,
            rotations: BTreeMap::new(),
            scale_state: ScaleState::default(),
            seldom_at: Instant::now(),
        })
    }

    pub(crate) async fn run(mut self) -> anyhow::Result<()> {
        let drain = self.process.drain.clone();
        let mut complaint = Complaint::default();
        loop {
            tokio::select! {
                biased;
                () = drain.started() => return Ok(()),
                Err(error) = self.rounds() => {
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
    async fn rounds(&mut self) -> anyhow::Result<std::convert::Infallible> {
        let mut connection = database::connect(&self.process.database).await?;
        connection.batch_execute(SET_UP).await?;
        loop {
            self.round(&mut connection).await?;
            let mut told = std::pin::pin!(connection.notifications_stream());
            tokio::select! {
                request = told.next() => drop(request.ok_or_else(|| anyhow::anyhow!("the connection is lost"))??),
                () = tokio::time::sleep(self.settings.every) => {}
            }
        }
    }

    async fn round(&mut self, connection: &mut Connection) -> anyhow::Result<()> {
        let instances = inventory::read(connection).await?;
        self.scraper.scrape(&instances).await;
        let now: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection).await?;
        self.plan_rotations(&instances, now.now)?;
        let locked = ask("pg_try_advisory_lock", connection).await?;
        if !locked.answer {
            return Ok(());
        }
        let done = self.act(connection, &instances, now.now).await;
        // When the connection is lost, so is the lock.
        ask("pg_advisory_unlock", connection).await?;
        done
    }

    async fn act(
        &mut self,
        connection: &mut Connection,
        instances: &[Instance],
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let is_seldom = Instant::now() >= self.seldom_at;
        if is_seldom {
            self.seldom_at = Instant::now() + SELDOM;
            trends::write(connection, instances, self.scraper.series(), self.settings.recycle.memory).await?;
        }
        let workers: BTreeSet<&str> =
            instances.iter().filter(|one| one.works).map(|one| one.process.as_str()).collect();
        // What goes wrong with one process is said at the end: the others get their turn.
        let mut done = Ok(());
        for process in workers {
            let recycled = self.recycle(connection, process, instances, now, is_seldom).await;
            done = done.and(recycled.with_context(|| shown(process)));
        }
        let requests = requests::open(connection).await?;
        let mut processes: BTreeSet<String> = self.settings.scale.policies.keys().cloned().collect();
        processes.extend(requests.iter().map(|request| request.process.clone()));
        for process in processes {
            let own: Vec<Request> = requests.iter().filter(|one| one.process == process).cloned().collect();
            let scaled = match self.settings.scale.policies.get(&process).cloned() {
                Some(policy) => self.scale(connection, &process, &policy, &own).await,
                None => self.refuse_unknown(connection, &process, &own).await,
            };
            requests::decided(connection, &own).await?;
            done = done.and(scaled.with_context(|| shown(&process)));
        }
        done
    }

    pub(crate) fn row(&self, process: &str, action: &'static str, reason: String, measured: Value) -> Action {
        Action {
            at: Utc::now(),
            subject: process.to_owned(),
            action,
            asked_by: actions::asked_by(&self.process),
            reason,
            measured,
            outcome: "begun".to_owned(),
        }
    }
}

/// Takes the lock of the controllers, or lets go of it.
async fn ask(function: &str, connection: &mut Connection) -> diesel::QueryResult<Answer> {
    let query = format!("SELECT {function}({}) AS answer", locks::key_of("$1"));
    diesel::sql_query(query).bind::<Text, _>(locks::CONTROLLER).get_result(connection).await
}
