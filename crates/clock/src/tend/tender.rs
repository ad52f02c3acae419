//! The loop: look, recycle, scale.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Bool, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;
use process::{Complaint, Process};
use serde_json::Value;

use super::{
    TendSettings,
    looks::Looks,
    recycling::Recycling,
    requests::{self, Request},
    scale::Scales,
    trends,
};
use crate::{
    door::Door,
    watch::{
        ledger::Action,
        roster::{self, Instance},
    },
};

/// Counting jobs and keeping trends is not for every round.
const SELDOM: Duration = Duration::from_secs(60);
const SET_UP: &str = "\
SET statement_timeout = '5s';
LISTEN sides_scaling";
const TAKE: &str = "SELECT pg_try_advisory_lock(hashtextextended('sides tending', 0)) AS answer";
const GIVE: &str = "SELECT pg_advisory_unlock(hashtextextended('sides tending', 0)) AS answer";

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
    pub(super) process: Process,
    pub(super) settings: TendSettings,
    pub(super) door: Door,
    pub(super) looks: Looks,
    pub(super) recycling: Option<Recycling>,
    pub(super) scales: Scales,
    seldom_at: Instant,
}

impl Tender {
    pub(crate) fn new(process: Process, settings: TendSettings, door: Door) -> anyhow::Result<Self> {
        let looks = Looks::new(process.instance)?;
        let scales = Scales::default();
        Ok(Self { process, settings, door, looks, recycling: None, scales, seldom_at: Instant::now() })
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
        self.looks.look(&roster).await;
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
            trends::write(connection, roster, self.looks.series(), self.settings.memory).await?;
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

    pub(super) fn row(&self, process: &str, action: &'static str, reason: String, measured: Value) -> Action {
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
