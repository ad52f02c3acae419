//! The record of what was applied: diesel's table, and beside it what that does not hold.

use std::time::Instant;

use tokio_postgres::{Client, Error};

use crate::{Migration, watch::Seen};

/// A migration that the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Diesel's version.
    pub version: String,
    /// The folder's name; unknown when diesel itself applied it.
    pub name: Option<String>,
    /// The text that was applied; unknown when diesel itself applied it.
    pub up_sql: Option<String>,
    /// When, as the server tells it.
    pub at: String,
}

/// Makes the tables when they are missing, and takes note of what diesel's own tools reverted since. The caller holds the
/// runner's lock.
pub(crate) async fn ensure(client: &Client) -> Result<(), Error> {
    if !exists(client).await? {
        // One transaction: a simple query is one.
        client.batch_execute(include_str!("ledger.sql")).await?;
    }
    client.batch_execute(REVERTED_BY_DIESEL).await
}

/// A step that no statement has. It ends what was known of the steps before: without it, those of a migration that runs
/// statement by statement would pass for done although somebody else took them back.
const REVERTED_BY_DIESEL: &str = "
    WITH gone AS (
        DELETE FROM sides_migrate.applied AS a
        WHERE NOT EXISTS (SELECT FROM public.__diesel_schema_migrations AS d WHERE d.version = a.version)
        RETURNING a.version
    )
    INSERT INTO sides_migrate.steps (version, direction, step, statement, started_at, finished_at, duration_ms)
    SELECT version, 'down', 0, '-- reverted by diesel', clock_timestamp(), clock_timestamp(), 0 FROM gone";

/// Records a migration that diesel itself applied: its text, so that later edits are seen, and a step that no statement
/// has, for the same reason.
pub(crate) async fn adopt(client: &Client, migration: &Migration) -> Result<(), Error> {
    record(client, migration).await?;
    client
        .execute(
            "INSERT INTO sides_migrate.steps (version, direction, step, statement, started_at, finished_at, duration_ms)
             VALUES ($1, 'up', 0, '-- applied by diesel', clock_timestamp(), clock_timestamp(), 0)",
            &[&migration.version()],
        )
        .await
        .map(drop)
}

/// Whether the tables are there, as this release knows them.
pub(crate) async fn exists(client: &Client) -> Result<bool, Error> {
    let row = client
        .query_one(
            "SELECT to_regclass('public.__diesel_schema_migrations') IS NOT NULL
                AND to_regclass('sides_migrate.backfills') IS NOT NULL",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// What the database has, oldest first. A database without the tables has nothing.
pub(crate) async fn applied(client: &Client) -> Result<Vec<Applied>, Error> {
    let has = async |table: &str| -> Result<bool, Error> {
        Ok(client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?.get(0))
    };
    if !has("public.__diesel_schema_migrations").await? {
        return Ok(Vec::new());
    }
    let query = if has("sides_migrate.applied").await? {
        "SELECT d.version::text, a.name, a.up_sql, to_char(d.run_on, 'YYYY-MM-DD HH24:MI:SS') FROM public.__diesel_schema_migrations AS d
         LEFT JOIN sides_migrate.applied AS a ON a.version = d.version ORDER BY d.version"
    } else {
        "SELECT version::text, NULL::text, NULL::text, to_char(run_on, 'YYYY-MM-DD HH24:MI:SS')
         FROM public.__diesel_schema_migrations ORDER BY version"
    };
    let rows = client.query(query, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Applied { version: row.get(0), name: row.get(1), up_sql: row.get(2), at: row.get(3) })
        .collect())
}

/// Records a migration as applied, with its text.
pub(crate) async fn record(client: &Client, migration: &Migration) -> Result<(), Error> {
    client
        .execute(
            "WITH diesel AS (
                 INSERT INTO public.__diesel_schema_migrations (version) VALUES ($1) ON CONFLICT DO NOTHING
             )
             INSERT INTO sides_migrate.applied (version, name, checksum, up_sql) VALUES ($1, $2, $3, $4)
             ON CONFLICT (version) DO UPDATE
             SET name = excluded.name, checksum = excluded.checksum, up_sql = excluded.up_sql",
            &[&migration.version(), &migration.name(), &migration.checksum(), &migration.up()],
        )
        .await
        .map(drop)
}

/// Records a migration as reverted.
pub(crate) async fn forget(client: &Client, version: &str) -> Result<(), Error> {
    client
        .execute(
            "WITH diesel AS (DELETE FROM public.__diesel_schema_migrations WHERE version = $1)
             DELETE FROM sides_migrate.applied WHERE version = $1",
            &[&version],
        )
        .await
        .map(drop)
}

/// One statement's place in the record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) version: &'a str,
    pub(crate) direction: &'static str,
    pub(crate) step: i32,
    pub(crate) statement: &'a str,
}

/// What became of a statement in an earlier run of the same migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Never,
    /// A runner died while it ran.
    Begun(i64),
    Done,
}

/// Looks for this statement among the steps since the migration was last applied or reverted whole.
pub(crate) async fn before(client: &Client, place: Place<'_>) -> Result<Before, Error> {
    let row = client
        .query_opt(
            "SELECT id, finished_at IS NOT NULL FROM sides_migrate.steps
             WHERE version = $1 AND direction = $2 AND step = $3 AND statement = $4
               AND id > coalesce((SELECT max(id) FROM sides_migrate.steps
                                  WHERE version = $1 AND direction <> $2), 0)
             ORDER BY id DESC LIMIT 1",
            &[&place.version, &place.direction, &place.step, &place.statement],
        )
        .await?;
    Ok(match row {
        None => Before::Never,
        Some(row) if row.get(1) => Before::Done,
        Some(row) => Before::Begun(row.get(0)),
    })
}

/// Says that a statement is about to run; gives the row's id.
pub(crate) async fn begin(client: &Client, place: Place<'_>) -> Result<i64, Error> {
    let row = client
        .query_one(
            "INSERT INTO sides_migrate.steps (version, direction, step, statement, started_at)
             VALUES ($1, $2, $3, $4, clock_timestamp()) RETURNING id",
            &[&place.version, &place.direction, &place.step, &place.statement],
        )
        .await?;
    Ok(row.get(0))
}

/// Says that Postgres refused it: nothing of it is left.
pub(crate) async fn refused(client: &Client, id: i64) -> Result<(), Error> {
    client.execute("DELETE FROM sides_migrate.steps WHERE id = $1", &[&id]).await.map(drop)
}

/// What it took until a statement ran through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    pub(crate) failed: u32,
    /// When the first try began.
    first: Instant,
    /// When the one that counts began.
    last: Instant,
}

impl Tries {
    pub(crate) fn begin() -> Self {
        Self { failed: 0, first: Instant::now(), last: Instant::now() }
    }

    /// The last one came to nothing, and another begins.
    pub(crate) fn again(&mut self) {
        self.failed += 1;
        self.last = Instant::now();
    }

    fn waited_ms(self) -> i64 {
        i64::try_from(self.last.duration_since(self.first).as_millis()).unwrap_or(i64::MAX)
    }
}

/// A statement that ran, in a transaction that still has to end.
#[derive(Debug)]
pub(crate) struct Ran<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) seen: Seen,
}

/// Says that it is done, in its own transaction.
pub(crate) async fn ran(client: &Client, ran: &Ran<'_>, tries: Tries) -> Result<(), Error> {
    let (mode, relation) = ran.seen.lock();
    client
        .execute(
            "INSERT INTO sides_migrate.steps (version, direction, step, statement, started_at, finished_at, duration_ms,
                 retries, lock_mode, lock_relation, others_waited_ms, waited_ms)
             VALUES ($1, $2, $3, $4, clock_timestamp() - make_interval(secs => $5),
                 clock_timestamp() - make_interval(secs => $6), round(1000 * ($5 - $6)), $7, $8, $9, $10, $11)",
            &[
                &ran.place.version,
                &ran.place.direction,
                &ran.place.step,
                &ran.place.statement,
                &ran.began.elapsed().as_secs_f64(),
                &ran.ended.elapsed().as_secs_f64(),
                &i32::try_from(tries.failed).unwrap_or(i32::MAX),
                &mode,
                &relation,
                &ran.seen.others_waited_ms,
                &(tries.waited_ms() + ran.seen.waited_ms),
            ],
        )
        .await
        .map(drop)
}

/// Says that it is done, and what was seen meanwhile.
pub(crate) async fn finish(client: &Client, id: i64, tries: Tries, seen: &Seen) -> Result<(), Error> {
    let (mode, relation) = seen.lock();
    client
        .execute(
            "UPDATE sides_migrate.steps SET finished_at = clock_timestamp(), retries = $2, lock_mode = $3,
                 lock_relation = $4, others_waited_ms = $5, waited_ms = $6,
                 duration_ms = 1000 * extract(epoch FROM clock_timestamp() - started_at)
             WHERE id = $1",
            &[
                &id,
                &i32::try_from(tries.failed).unwrap_or(i32::MAX),
                &mode,
                &relation,
                &seen.others_waited_ms,
                &(tries.waited_ms() + seen.waited_ms),
            ],
        )
        .await
        .map(drop)
}
