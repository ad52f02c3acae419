//! Counts jobs, ticks and lock waits during a release, over its own connection.

mod blocks;
mod ticks;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{QueryResult, QueryableByName, sql_types::Timestamptz};
use diesel_async::RunQueryDsl as _;
use schema::jobs::count::Known;
use tokio::{task::JoinHandle, time};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use blocks::Block;
pub use schema::jobs::count::Jobs;
pub use ticks::Ticks;

/// Often enough to meet a job that a worker holds only for a moment, or a lock that somebody feels.
const BETWEEN: Duration = Duration::from_millis(200);

/// How long the last count waits for a Postgres that is away.
const END_LIMIT: Duration = Duration::from_secs(30);

/// Counts until it is asked, or dropped.
pub(super) struct Counter {
    url: DatabaseUrl,
    since: DateTime<Utc>,
    schedules: ticks::Schedules,
    watching: JoinHandle<Watched>,
    stop: DropGuard,
}

/// What was seen on the way, and cannot be asked for at the end.
#[derive(Default)]
struct Watched {
    jobs: Known,
    block: Option<Block>,
}

/// What came of it; none where the database did not answer.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) jobs: Option<Jobs>,
    pub(super) ticks: Option<Ticks>,
    pub(super) block: Option<Block>,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

impl Counter {
    /// Begins with the jobs that wait now: none of them may be missing at the end. A first release brings the queue
    /// itself; then nothing waits.
    pub(super) async fn begin(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let url = url.with_application_name("sides receipt");
        let mut connection = database::connect(&url).await?;
        let since = now(&mut connection).await?;
        let schedules = ticks::Schedules::read(&mut connection).await;
        let mut watched = Watched::default();
        watched.jobs.see_waiting(&mut connection).await.ok();
        let stop = CancellationToken::new();
        let watching = tokio::spawn(watch(url.clone(), connection, watched, stop.clone()));
        Ok(Self { url, since, schedules, watching, stop: stop.drop_guard() })
    }

    /// Adds up. Waits a moment for ticks that are due just now.
    pub(super) async fn end(self) -> Counts {
        drop(self.stop);
        let Ok(Watched { jobs, block }) = self.watching.await else { return Counts::default() };
        let Some(mut connection) = reconnected(&self.url).await else {
            return Counts { block, ..Counts::default() };
        };
        let ticks = match now(&mut connection).await {
            Ok(until) => self.schedules.count(&mut connection, self.since, until).await.ok(),
            Err(_) => None,
        };
        let jobs = jobs.count(&mut connection, self.since).await.ok();
        Counts { jobs, ticks, block }
    }
}

/// A Postgres that is away at the end is waited for: what it counts is not lost.
async fn reconnected(url: &DatabaseUrl) -> Option<Connection> {
    let deadline = Instant::now() + END_LIMIT;
    loop {
        match database::connect(url).await {
            Ok(connection) => return Some(connection),
            Err(_) if Instant::now() < deadline => time::sleep(BETWEEN).await,
            Err(_) => return None,
        }
    }
}

pub(super) async fn now(connection: &mut Connection) -> QueryResult<DateTime<Utc>> {
    let now: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection).await?;
    Ok(now.now)
}

/// A Postgres that is away for a while is waited for.
async fn watch(
    url: DatabaseUrl,
    connection: Connection,
    mut watched: Watched,
    stop: CancellationToken,
) -> Watched {
    let mut connection = Some(connection);
    while !stop.is_cancelled() {
        if connection.is_none() {
            connection = database::connect(&url).await.ok();
        }
        if let Some(open) = &mut connection {
            let block = blocks::longest(open).await;
            let running = watched.jobs.see_running(open).await;
            if let Ok(Some(block)) = &block
                && watched.block.as_ref().is_none_or(|longest| longest.seconds < block.seconds)
            {
                watched.block = Some(block.clone());
            }
            // Without a queue there is still a database.
            if block.is_err() && running.is_err() {
                connection = None;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = time::sleep(BETWEEN) => {}
        }
    }
    watched
}
