//! A Postgres of its own with schedules in it, and what its ticks say.

use std::{process::Command, time::Duration};

use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use postgres::{Cluster, Opened, Settings};
use schedule::Schedule;
use tempfile::TempDir;
use testing::Program;

/// Set for a copy of this program that is a scheduler.
pub(crate) const IS_SCHEDULER: &str = "BENCH_IS_SCHEDULER";

pub(crate) struct Scene {
    pub(crate) url: DatabaseUrl,
    pub(crate) connection: Connection,
    cluster: Cluster,
    _folder: TempDir,
}

/// What a row of the table says.
pub(crate) struct Measured {
    /// Sorted.
    pub(crate) lateness_us: Vec<i64>,
    pub(crate) missing: i64,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    moment: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Measured {
    pub(crate) fn ticks(&self) -> usize {
        self.lateness_us.len()
    }

    /// The middle, the 99th of a hundred, the worst.
    pub(crate) fn lateness_ms(&self) -> [String; 3] {
        let at = |share: usize| {
            self.lateness_us.get((self.ticks() * share / 100).min(self.ticks().saturating_sub(1)))
        };
        [50, 99, 100].map(|share| {
            at(share)
                .map_or_else(|| "-".to_owned(), |us| format!("{}.{}", us / 1000, us.rem_euclid(1000) / 100))
        })
    }
}

impl Scene {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // A commit is when others see a tick, and its job.
        let options = vec![("track_commit_timestamp".to_owned(), "on".to_owned())];
        let settings = Settings { options, ..Settings::default() };
        let opened = Cluster::open(folder.path(), settings).await.expect("Postgres starts");
        let Opened::Started(cluster) = opened else { panic!("nobody else runs it") };
        let url: DatabaseUrl = cluster.url().parse().expect("an address");
        migrate::up(&url, &migrate::chassis().expect("the chassis' migrations are whole"))
            .await
            .expect("the migrations apply");
        let connection = database::connect(&url).await.expect("Postgres answers");
        Self { url, connection, cluster, _folder: folder }
    }

    pub(crate) async fn close(self) {
        drop(self.connection);
        self.cluster.stop().await;
    }

    pub(crate) async fn description(&mut self) -> String {
        let query = "SELECT split_part(version(), ' ', 2) || ', synchronous_commit ' ||
            current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync') AS line";
        let line: Line = diesel::sql_query(query).get_result(&mut self.connection).await.expect("it answers");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        format!("Postgres {} on {cores} cores shared with everything", line.line)
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        self.connection.batch_execute(sql).await.expect("the statement is right");
    }

    pub(crate) async fn clear(&mut self) {
        self.run("TRUNCATE sides.stored_schedules, sides.schedules, sides.ticks, sides.fang_tasks").await;
        // One row measures its own work, not the last one's leftovers.
        self.run("CHECKPOINT").await;
    }

    pub(crate) async fn store(&mut self, size: usize, expression: fn(usize) -> String) {
        let expressions: Vec<String> = (0..size).map(expression).collect();
        let query = "INSERT INTO sides.stored_schedules
                (name, expression, zone, kind, arguments, missed, overlap, changed_by)
            SELECT 'bench ' || number, expression, 'UTC', 'work', '{}', 'skip', 'allow', 'bench'
            FROM unnest($1) WITH ORDINALITY AS all_of_them (expression, number)";
        let query = query.replace("'bench ' ||", "'bench' ||");
        let query = diesel::sql_query(query).bind::<Array<Text>, _>(expressions);
        query.execute(&mut self.connection).await.expect("the schedules are stored");
    }

    /// A scheduler that is ready.
    pub(crate) async fn scheduler(&self) -> Program {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command
            .env(IS_SCHEDULER, "1")
            .env("DATABASE_URL", self.url.expose())
            .env("OPS_PORT", "0")
            .env("LOG_FORMAT", "json");
        let scheduler = Program::start(&mut command);
        scheduler.answers("/readyz", 200, "ready").await;
        scheduler
    }

    pub(crate) async fn now(&mut self) -> DateTime<Utc> {
        let query = diesel::sql_query("SELECT clock_timestamp() AS moment");
        let moment: Moment = query.get_result(&mut self.connection).await.expect("it answers");
        moment.moment
    }

    /// How late each tick of these seconds was: from its moment to its commit.
    pub(crate) async fn measured(
        &mut self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        size: usize,
        expression: fn(usize) -> String,
    ) -> Measured {
        let query =
            "SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at) * 1000000)::bigint AS number FROM sides.ticks
            WHERE schedule LIKE 'bench%' AND due_at > $1 AND due_at <= $2 ORDER BY 1";
        let query = diesel::sql_query(query).bind::<Timestamptz, _>(from).bind::<Timestamptz, _>(until);
        let rows: Vec<Number> = query.load(&mut self.connection).await.expect("it answers");
        let lateness_us: Vec<i64> = rows.into_iter().map(|row| row.number).collect();
        let missing = due(from, until, size, expression) - i64::try_from(lateness_us.len()).unwrap_or(0);
        Measured { lateness_us, missing }
    }
}

/// How many moments there were.
pub(crate) fn due(
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    size: usize,
    expression: fn(usize) -> String,
) -> i64 {
    let due = |index: usize| {
        let name = format!("bench{}", index + 1);
        let schedule = Schedule::new(&name, &expression(index), "work").expect("an expression");
        schedule.upcoming(from).take_while(|at| *at <= until).count()
    };
    i64::try_from((0..size).map(due).sum::<usize>()).unwrap_or(0)
}

/// Waits for what is counted in seconds.
pub(crate) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
