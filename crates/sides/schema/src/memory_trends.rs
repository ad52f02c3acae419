//! How the memory of each release grows, as controllers measure it: the rows of `sides.memory_trends`.

use chrono::{DateTime, Utc};
use database::OptionalMoment;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// What was measured of a release of a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured<'a> {
    /// The process.
    pub process: &'a str,
    /// Its release.
    pub release: &'a str,
    /// What its largest instance holds, in bytes.
    pub resident_bytes: i64,
    /// The slope of the line through the samples, in bytes an hour.
    pub bytes_per_hour: f64,
    /// How many samples the line goes through.
    pub samples: i32,
    /// The memory at which it is recycled, in bytes.
    pub limit_bytes: Option<i64>,
    /// In how many seconds the line reaches the limit.
    pub full_in_seconds: Option<f64>,
}

const WRITE: &str = "\
INSERT INTO sides.memory_trends
    (process, release, resident_bytes, bytes_per_hour, samples, limit_bytes, full_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second', now())
ON CONFLICT (process, release) DO UPDATE SET resident_bytes = excluded.resident_bytes,
    bytes_per_hour = excluded.bytes_per_hour, samples = excluded.samples, limit_bytes = excluded.limit_bytes,
    full_at = excluded.full_at, updated_at = excluded.updated_at";

/// Writes the row of a release.
///
/// # Errors
/// When the database is unavailable, or read-only.
pub async fn write(connection: &mut AsyncPgConnection, measured: &Measured<'_>) -> QueryResult<()> {
    sql_query(WRITE)
        .bind::<Text, _>(measured.process)
        .bind::<Text, _>(measured.release)
        .bind::<BigInt, _>(measured.resident_bytes)
        .bind::<Double, _>(measured.bytes_per_hour)
        .bind::<Integer, _>(measured.samples)
        .bind::<Nullable<BigInt>, _>(measured.limit_bytes)
        .bind::<Nullable<Double>, _>(measured.full_in_seconds)
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes the rows of releases that were not measured for a week.
///
/// # Errors
/// When the database is unavailable.
pub async fn prune(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let query = "DELETE FROM sides.memory_trends WHERE updated_at < now() - interval '7 days'";
    sql_query(query).execute(connection).await.map(drop)
}

/// A row as people read it.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Trend {
    /// The process.
    #[diesel(sql_type = Text)]
    pub process: String,
    /// Its release.
    #[diesel(sql_type = Text)]
    pub release: String,
    /// See [`Measured::resident_bytes`].
    #[diesel(sql_type = BigInt)]
    pub resident_bytes: i64,
    /// See [`Measured::bytes_per_hour`].
    #[diesel(sql_type = Double)]
    pub bytes_per_hour: f64,
    /// See [`Measured::samples`].
    #[diesel(sql_type = Integer)]
    pub samples: i32,
    /// See [`Measured::limit_bytes`].
    #[diesel(sql_type = Nullable<BigInt>)]
    pub limit_bytes: Option<i64>,
    /// When the line reaches the limit.
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub full_at: Option<DateTime<Utc>>,
}

const CURRENT: &str = "\
SELECT process, release, resident_bytes, bytes_per_hour, samples, limit_bytes, full_at
FROM sides.memory_trends WHERE updated_at > now() - interval '10 minutes' ORDER BY process, release";

/// Of the releases that run: those that were measured within ten minutes.
///
/// # Errors
/// When the database is unavailable.
pub async fn current(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Trend>> {
    sql_query(CURRENT).load(connection).await
}
