//! The receipts of releases, `sides.releases`.

use chrono::{DateTime, Utc};
use database::{Json, Moment};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use serde::Serialize;
use serde_json::Value;

/// Whether the table is there, as a question to Postgres.
pub const EXIST: &str = "SELECT to_regclass('sides.releases') IS NOT NULL AS answer";

/// Whether the user may store receipts, as an expression; true while there is no such table, which is made then.
pub const MAY_BE_STORED: &str = "\
CASE WHEN to_regclass('sides.releases') IS NOT NULL
    THEN has_table_privilege('sides.releases', 'INSERT') AND has_table_privilege('sides.releases', 'UPDATE')
    ELSE true END";

/// The receipt of a session in `activity`, by the beginning that it is named for: a release that lost its session goes on in
/// another one, which is younger than its receipt.
pub const OF_A_SESSION: &str = "\
SELECT started_at, asked_by, receipt FROM sides.releases
WHERE 'sides release ' || (extract(epoch FROM started_at) * 1000000)::bigint = activity.application_name
ORDER BY id DESC LIMIT 1";

/// Who released this build, `$2`, of the process `$1` last.
pub const RELEASED_BY: &str = "\
SELECT asked_by FROM sides.releases
WHERE receipt #>> ARRAY['processes', $1, 'to'] LIKE $2 || '%' ORDER BY id DESC LIMIT 1";

/// A stored receipt.
#[derive(Debug, Clone, PartialEq, QueryableByName, Serialize)]
pub struct Release {
    /// The newer, the higher.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub started_at: DateTime<Utc>,
    /// When the receipt was stored last.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub ended_at: DateTime<Utc>,
    /// Who released.
    #[diesel(sql_type = Text)]
    pub asked_by: String,
    /// As the version that released has written it.
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    pub receipt: Value,
}

const NEWEST: &str = "\
SELECT id AS number, started_at, ended_at, asked_by, receipt FROM sides.releases
WHERE id = $1 OR $1 IS NULL ORDER BY id DESC LIMIT $2";

/// The newest receipts, `count` at most; only that of this number, if one is given.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn newest(
    connection: &mut AsyncPgConnection,
    number: Option<i64>,
    count: i64,
) -> QueryResult<Vec<Release>> {
    sql_query(NEWEST).bind::<Nullable<BigInt>, _>(number).bind::<BigInt, _>(count).load(connection).await
}

const INSERT: &str = "\
INSERT INTO sides.releases (started_at, asked_by, outcome, receipt)
SELECT $1, $2, $3, $4::jsonb WHERE $5::bigint IS NULL RETURNING id";

const UPDATE: &str = "\
UPDATE sides.releases SET started_at = $1, asked_by = $2, outcome = $3, receipt = $4::jsonb, ended_at = clock_timestamp()
WHERE id = $5 RETURNING id";

/// A receipt to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewRelease<'a> {
    /// See [`Release::started_at`].
    pub started_at: DateTime<Utc>,
    /// See [`Release::asked_by`].
    pub asked_by: &'a str,
    /// How it ended so far.
    pub outcome: &'a str,
    /// The receipt as JSON.
    pub receipt: &'a str,
}

/// Stores a receipt as a new row, or as that of a number. Returns its number.
///
/// # Errors
/// When the database is unavailable, read-only or not migrated, or there is no row of that number.
pub async fn store(
    connection: &mut AsyncPgConnection,
    new: &NewRelease<'_>,
    number: Option<i64>,
) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let query = sql_query(if number.is_some() { UPDATE } else { INSERT })
        .bind::<Timestamptz, _>(new.started_at)
        .bind::<Text, _>(new.asked_by)
        .bind::<Text, _>(new.outcome)
        .bind::<Text, _>(new.receipt)
        .bind::<Nullable<BigInt>, _>(number);
    let row: Row = query.get_result(connection).await?;
    Ok(row.id)
}
