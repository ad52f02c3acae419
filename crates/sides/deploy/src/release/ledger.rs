//! Releases in the database: only one at a time, and each recorded for good.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bool, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use planner::WaitingJob;
use schema::{
    instances,
    jobs::release::{self, Tally},
    releases::{self, NewRelease},
};

use super::{
    holder::{BETWEEN_LOOKS, Holder, LAST_ONE_LEAVES, WAIT_OR_BREAK_OFF},
    judge::{Attempts, ByKind},
    receipt::Receipt,
};
use crate::progress::Progress;
use workspace::actor;
use workspace::releases::Digest;

/// Held by the session, so the death of a release frees it.
const LOCK: i64 = schema::locks::RELEASE;

/// How long a Postgres that is away is waited for where it is safe to go on.
pub(super) const OUTAGE_LIMIT: Duration = Duration::from_secs(60);
/// How often a watch may begin again because the database was unavailable.
pub(super) const OUTAGES: u32 = 3;
/// A question that takes longer has lost its connection.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// The same for whether there is anybody at all.
const PING_LIMIT: Duration = Duration::from_secs(2);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// The session of one release.
pub(super) struct Ledger {
    url: DatabaseUrl,
    connection: Connection,
    begun_at: DateTime<Utc>,
    /// The row of this release, once there is one.
    number: Option<i64>,
    /// Whether it lost its session since that was asked last.
    was_away: bool,
}

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

impl Ledger {
    /// Takes the place of the only release in progress. A Postgres that is away is waited for until `limit`, and
    /// `told` before.
    pub(super) async fn open(
        url: &DatabaseUrl,
        limit: Duration,
        mut told: impl FnMut(),
    ) -> anyhow::Result<Self> {
        let (unnamed, deadline) = (url.with_application_name("sides release"), Instant::now() + limit);
        let mut connection = loop {
            match database::connect(&unnamed).await {
                Err(error) if is_away(&error) && Instant::now() < deadline => told(),
                answer => break answer?,
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        };
        take_lock(&mut connection, &unnamed).await?;
        let now: Now = diesel::sql_query("SELECT now() AS now").get_result(&mut connection).await?;
        let begun_at = now.now;
        // Anyone who finds the lock held finds the receipt by this name.
        let name = format!("sides release {}", begun_at.timestamp_micros());
        let rename = format!("SET application_name = '{name}'");
        connection.batch_execute(&rename).await?;
        Ok(Self {
            url: url.with_application_name(&name),
            connection,
            begun_at,
            number: None,
            was_away: false,
        })
    }

    /// Asks; a Postgres that has gone away meanwhile is waited for, and asked again.
    async fn ask<T>(
        &mut self,
        limit: Duration,
        question: impl AsyncFn(&mut Connection) -> QueryResult<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            match tokio::time::timeout(ANSWER_LIMIT, question(&mut self.connection)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) if self.answers().await => return Err(error.into()),
                _ => self.reconnect(deadline).await?,
            }
        }
    }

    /// Asks once: who looks again and again anyway waits for nobody.
    pub(super) async fn look<T>(
        &mut self,
        question: impl AsyncFn(&mut Connection) -> QueryResult<T>,
    ) -> anyhow::Result<T> {
        self.ask(Duration::ZERO, question).await
    }

    /// Whether the session lives, and with it the right to be the one release in progress.
    pub(super) async fn answers(&mut self) -> bool {
        let ping = tokio::time::timeout(PING_LIMIT, self.connection.batch_execute("SELECT 1")).await;
        ping.is_ok_and(|answer| answer.is_ok())
    }

    /// Whether the session was lost since this was asked last, or is lost now: what failed meanwhile may have failed for
    /// that.
    pub(super) async fn has_been_away(&mut self) -> bool {
        std::mem::take(&mut self.was_away) || !self.answers().await
    }

    /// Waits until Postgres answers again, when it does not.
    pub(super) async fn wait_until_back(&mut self, limit: Duration) -> anyhow::Result<()> {
        if !self.answers().await {
            self.reconnect(Instant::now() + limit).await?;
        }
        self.was_away = false;
        Ok(())
    }

    async fn reconnect(&mut self, deadline: Instant) -> anyhow::Result<()> {
        loop {
            let error = match tokio::time::timeout(PING_LIMIT, database::connect(&self.url)).await {
                Ok(Ok(connection)) => {
                    self.connection = connection;
                    self.was_away = true;
                    return take_lock(&mut self.connection, &self.url).await;
                }
                Ok(Err(error)) => anyhow::Error::from(error),
                Err(_) => anyhow::anyhow!("no answer within {} s", PING_LIMIT.as_secs()),
            };
            if Instant::now() > deadline {
                return Err(error.context("the database is unavailable"));
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    /// Waits until no job of these kinds and versions is queued, scheduled, running or to be tried again.
    pub(super) async fn wait_until_none_is_left(
        &mut self,
        jobs: &[WaitingJob],
        limit: Duration,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        for job in jobs {
            loop {
                let question = async |connection: &mut Connection| {
                    release::is_left(connection, &job.kind, job.version).await
                };
                if !self.ask(OUTAGE_LIMIT, question).await? {
                    break;
                }
                if Instant::now() > deadline {
                    bail!(
                        "jobs of {job} remain after {} s, and the next step removes their handler: release again \
                         when they are done, or keep the handler for now",
                        limit.as_secs()
                    );
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Whether an instance of this release says that it lives.
    pub(super) async fn is_live(&mut self, process: &str, release: &Digest) -> anyhow::Result<bool> {
        // As the host names it to its children.
        let name = release.to_string();
        let question =
            async |connection: &mut Connection| instances::is_live(connection, process, &name).await;
        self.ask(OUTAGE_LIMIT, question).await
    }

    /// What happened to the jobs that a release worked in the last hour.
    pub(super) async fn attempts_of(&mut self, release: &Digest) -> anyhow::Result<ByKind> {
        // As the host names it to its children.
        let name = release.to_string();
        let question = async |connection: &mut Connection| release::attempts_of(connection, &name).await;
        // Asked again and again anyway: a database that is away is somebody else's finding.
        let tallies = self.ask(Duration::ZERO, question).await?;
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let attempts = |tally: &Tally| Attempts { all: count(tally.all), failed: count(tally.failed) };
        Ok(tallies.into_iter().map(|tally| (tally.kind.clone(), attempts(&tally))).collect())
    }

    /// Stores the receipt as it stands: a new row the first time, that row from then on. A database that is away is
    /// waited for until `limit`.
    pub(super) async fn record(&mut self, receipt: &Receipt, limit: Duration) -> anyhow::Result<i64> {
        let (begun_at, number, text) = (self.begun_at, self.number, serde_json::to_string(receipt)?);
        let asked_by = actor::am_i();
        let outcome = receipt.outcome.name();
        let new = NewRelease { started_at: begun_at, asked_by: &asked_by, outcome, receipt: &text };
        let question = async |connection: &mut Connection| releases::store(connection, &new, number).await;
        let recorded = self.ask(limit, question).await;
        let number = recorded
            .context("cannot store the receipt; `sides migration up` brings the schema up to date")?;
        self.number = Some(number);
        Ok(number)
    }
}

/// Whether nobody answered, or somebody who is about to start or to end: not one who refused.
fn is_away(error: &database::ConnectError) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    let mut chain = std::iter::successors(Some(first), |&cause| cause.source());
    let code = chain.find_map(|cause| cause.downcast_ref::<tokio_postgres::Error>()?.code());
    code.is_none_or(|code| ["57P", "08", "53300"].iter().any(|class| code.code().starts_with(class)))
}

/// Asks; where the database went away meanwhile it is waited for, and asked once more. For questions that change nothing.
pub(super) async fn patiently<T>(
    ledger: &mut Ledger,
    progress: &dyn Progress,
    question: impl AsyncFn() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let error = match question().await {
        Err(error) if ledger.has_been_away().await => error,
        answer => return answer,
    };
    progress.notice(&waits());
    ledger.wait_until_back(OUTAGE_LIMIT).await.with_context(|| format!("{error:#}"))?;
    question().await
}

/// What to say of a database that is waited for.
pub(super) fn waits() -> String {
    format!("the database is unavailable: waiting for it, up to {} s", OUTAGE_LIMIT.as_secs())
}

/// Only one release runs at a time; who else does is said.
async fn take_lock(connection: &mut Connection, url: &DatabaseUrl) -> anyhow::Result<()> {
    let lock = format!("SELECT pg_try_advisory_lock({LOCK}) AS answer");
    let deadline = Instant::now() + LAST_ONE_LEAVES;
    loop {
        let taken: Answer = diesel::sql_query(&lock).get_result(connection).await?;
        if taken.answer {
            return Ok(());
        }
        if Instant::now() > deadline {
            let client = database::client(url).await?;
            let who = Holder::now(&client).await?.map(|holder| format!(": {holder}")).unwrap_or_default();
            bail!("another release is in progress on this database{who}; {WAIT_OR_BREAK_OFF}");
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}
