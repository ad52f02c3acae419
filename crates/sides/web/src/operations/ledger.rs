//! What the clocks found and did about the processes, and how their memory grows.

use chrono::{DateTime, Utc};
use database::{Connection, Moment, OptionalMoment};
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;

/// A row of the ledger.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Action {
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub(crate) at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    pub(crate) subject: String,
    #[diesel(sql_type = Text)]
    pub(crate) action: String,
    /// How many copies there were and should be, where it is about that.
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) copies: Option<String>,
    /// Who asked for it.
    #[diesel(sql_type = Text)]
    pub(crate) asked_by: String,
    #[diesel(sql_type = Text)]
    pub(crate) reason: String,
    #[diesel(sql_type = Text)]
    pub(crate) outcome: String,
}

/// How the memory of a release grows.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Trend {
    #[diesel(sql_type = Text)]
    pub(crate) process: String,
    #[diesel(sql_type = Text)]
    pub(crate) release: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) resident_bytes: i64,
    #[diesel(sql_type = Double)]
    pub(crate) bytes_per_hour: f64,
    #[diesel(sql_type = Integer)]
    pub(crate) samples: i32,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(crate) limit_bytes: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>, deserialize_as = OptionalMoment)]
    pub(crate) full_at: Option<DateTime<Utc>>,
}

/// What a clock orders, the host writes down once more.
const ACTIONS: &str = "\
SELECT at, subject, action, asked_by, reason, outcome,
    (measured ->> 'from') || ' → ' || (measured ->> 'to') AS copies
FROM sides.actions WHERE measured -> 'order' IS NULL OR asked_by NOT LIKE 'clock %'
ORDER BY id DESC LIMIT 30";

const TRENDS: &str = "\
SELECT process, release, resident_bytes, bytes_per_hour, samples, limit_bytes, full_at
FROM sides.memory_trends WHERE updated_at > now() - interval '10 minutes' ORDER BY process, release";

/// The last ones, the last first.
pub(crate) async fn actions(connection: &mut Connection) -> QueryResult<Vec<Action>> {
    diesel::sql_query(ACTIONS).load(connection).await
}

/// Of the releases that run.
pub(crate) async fn trends(connection: &mut Connection) -> QueryResult<Vec<Trend>> {
    diesel::sql_query(TRENDS).load(connection).await
}
