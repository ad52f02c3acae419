//! A database with services in it, workers that run their jobs, and questions about what became of them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{QueryableByName, sql_types};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use jobs::PingService;
use models::{NewService, Service, ServiceState, services};
use queue::{Runner, RunnerConfig};
use testing::TestDatabase;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use worker::Addresses;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A database of its own.
pub(crate) struct Monitor {
    pub(crate) database: TestDatabase,
    pub(crate) c: Connection,
}

/// A worker within the test's process.
pub(crate) struct Running {
    drain: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.drain.cancel();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("it drains in time")
            .expect("it does not panic");
    }
}

impl Monitor {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let c = database.connect().await;
        Self { database, c }
    }

    /// Works what is due in this test's own task, with nothing in the background.
    pub(crate) async fn drain(&mut self) -> Vec<queue::testing::Ran> {
        let pool = self.database.pool();
        let (egress, nobody) = ("true".parse().unwrap(), Addresses::default());
        let state = worker::State::new(pool, &prometheus::Registry::new(), egress, nobody)
            .expect("a worker can be set up");
        queue::testing::drain(&mut self.c, &worker::registry(state)).await.expect("the jobs can be worked")
    }

    pub(crate) fn start_worker(&self) -> Running {
        self.start_worker_over(self.database.url(), true)
    }

    /// A worker that asks these whether there is a network.
    pub(crate) fn start_worker_with(&self, witnesses: &[String]) -> Running {
        self.start(self.database.url(), true, witnesses.join(",").parse().unwrap())
    }

    /// A worker that reaches the database in its own way.
    pub(crate) fn start_worker_over(&self, url: &DatabaseUrl, private: bool) -> Running {
        self.start(url, private, Addresses::default())
    }

    fn start(&self, url: &DatabaseUrl, private: bool, witnesses: Addresses) -> Running {
        let metrics = prometheus::Registry::new();
        let state = worker::State::new(
            database::pool(url, 8),
            &metrics,
            if private { "true".parse().unwrap() } else { egress::Egress::CLOSED },
            witnesses,
        )
        .expect("a worker can be set up");
        let config =
            RunnerConfig { concurrency: 16, poll: Duration::from_millis(100), ..RunnerConfig::default() };
        let runner = Runner::new(url.clone(), worker::registry(state), config);
        let drain = CancellationToken::new();
        let token = drain.clone();
        let task = tokio::spawn(async move {
            runner.run(token, Duration::ZERO).await.expect("the worker ends well");
        });
        Running { drain, task }
    }

    /// Adds a service whose incident opens at the second failure.
    pub(crate) async fn add(&mut self, url: &str) -> Service {
        let new = NewService {
            name: "shop".to_owned(),
            url: Some(url.to_owned()),
            method: "GET".to_owned(),
            interval_seconds: 60,
            timeout_ms: 5000,
            expected_status_min: 200,
            expected_status_max: 299,
            expected_text: None,
            failures_before_incident: 2,
        };
        services::create(&mut self.c, &new).await.expect("the service is valid")
    }

    /// Enqueues the ping that was due `seconds` ago, without waiting for it.
    pub(crate) async fn enqueue_ping(&mut self, service: &Service, seconds: i64) -> PingService {
        let due_at = moment() - TimeDelta::seconds(seconds);
        let job = PingService { service_id: service.id, due_at };
        queue::enqueue(&mut self.c, &job).await.expect("the job is enqueued");
        job
    }

    /// Sends the ping that was due `seconds` ago.
    pub(crate) async fn ping(&mut self, service: &Service, seconds: i64) {
        self.enqueue_ping(service, seconds).await;
        self.until("SELECT count(*) = 0 FROM sides.fang_tasks WHERE kind = 'ping_service'").await;
    }

    pub(crate) async fn state(&mut self, service: &Service) -> ServiceState {
        let found = models::reads::services::find(&mut self.c, service.id).await.unwrap();
        found.expect("the service is there").1
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        self.c.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// A number, such as a count.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::BigInt)]
            number: i64,
        }
        let query = format!("SELECT ({sql})::bigint AS number");
        let row: Row = diesel::sql_query(&query).get_result(&mut self.c).await.expect("the query is valid");
        row.number
    }

    /// A text, empty when there is none.
    pub(crate) async fn text(&mut self, sql: &str) -> String {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::Text)]
            text: String,
        }
        let query = format!("SELECT coalesce(({sql})::text, '') AS text");
        let row: Row = diesel::sql_query(&query).get_result(&mut self.c).await.expect("the query is valid");
        row.text
    }

    /// Waits until the query says yes.
    pub(crate) async fn until(&mut self, sql: &str) {
        let c = &mut self.c;
        testing::wait_until(sql, PATIENCE, async || yes(c, sql).await).await;
    }
}

async fn yes(c: &mut Connection, sql: &str) -> bool {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Bool)]
        yes: bool,
    }
    let query = format!("SELECT coalesce(({sql}), false) AS yes");
    let row: Row = diesel::sql_query(&query).get_result(c).await.expect("the query is valid");
    row.yes
}

/// Now, as exactly as the database keeps it.
pub(crate) fn moment() -> DateTime<Utc> {
    let micros = Utc::now().timestamp_micros();
    DateTime::from_timestamp_micros(micros).expect("now is within range")
}
