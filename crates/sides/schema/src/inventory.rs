//! The instances that should run, as whoever looks after them sees them.

use chrono::{DateTime, Utc};
use database::Moment;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

use crate::instances::ALIVE_FOR;

/// An instance that has not said that it stopped.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Expected {
    /// Made at its start.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `web`, or another process' name.
    #[diesel(sql_type = Text)]
    pub process: String,
    /// The digest of its build, as far as it was told.
    #[diesel(sql_type = Text)]
    pub release: String,
    /// The machine, or `worker.1@machine` in a dyno.
    #[diesel(sql_type = Text)]
    pub host: String,
    /// `starting`, `ready` or `draining`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Where it answers health checks and metrics.
    #[diesel(sql_type = Text)]
    pub ops_address: String,
    /// Where visitors find it, if any.
    #[diesel(sql_type = Nullable<Text>)]
    pub public_address: Option<String>,
    /// Whether it works jobs, as its manifest says.
    #[diesel(sql_type = Bool)]
    pub works: bool,
    /// By the database's clock.
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub started_at: DateTime<Utc>,
    /// How old its last heartbeat is, in seconds.
    #[diesel(sql_type = BigInt)]
    pub silence: i64,
}

/// One that was killed stays until another of its process has started on its machine since, or in the dyno of its name; or
/// for an hour.
const EXPECTED: &str = "\
SELECT id, process, release, host, state, ops_address, public_address, started_at,
    coalesce(manifest ->> 'works' = 'true' OR manifest -> 'handles' <> '{}', false) AS works,
    extract(epoch FROM now() - heartbeat_at)::bigint AS silence
FROM sides.instances AS one
WHERE state <> 'stopped' AND heartbeat_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour' AND NOT EXISTS (
    SELECT FROM sides.instances AS newer
    WHERE newer.process = one.process AND newer.id <> one.id
        AND split_part(newer.host, '@', 1) = split_part(one.host, '@', 1)
        AND newer.started_at > one.heartbeat_at
)
ORDER BY process, started_at";

impl Expected {
    /// In characters.
    const LONGEST_NAME: usize = 200;

    /// What its actions are about; a name that is far too long would not go into their index.
    #[must_use]
    pub fn subject(&self) -> String {
        let process: String = self.process.chars().take(Self::LONGEST_NAME).collect();
        format!("{process} {}", self.id)
    }

    /// Its heartbeat is a second observer's word.
    #[must_use]
    pub fn is_heard_of(&self) -> bool {
        i64::try_from(ALIVE_FOR.as_secs()).is_ok_and(|limit| self.silence <= limit)
    }

    /// The name of the dyno that it runs in, if it runs in one: the next one has it again.
    #[must_use]
    pub fn dyno(&self) -> Option<&str> {
        self.host.split_once('@').map(|(dyno, _)| dyno)
    }

    /// Whether its ops server can be asked from the given machine.
    #[must_use]
    pub fn is_askable_from(&self, host: &str) -> bool {
        let is_loopback = self.ops_address.starts_with("127.") || self.ops_address.starts_with("[::1]");
        self.host == host || !is_loopback
    }
}

/// Those that have not stopped, by process and in the order of their starts.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn expected(connection: &mut AsyncPgConnection) -> QueryResult<Vec<Expected>> {
    sql_query(EXPECTED).load(connection).await
}
