//! The instances that run, as they say themselves.

use ::schema::instances::ALIVE_FOR;
use chrono::{DateTime, Utc};
use database::{Connection, Moment};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use uuid::Uuid;

/// A running instance of a process.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub(crate) struct Instance {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) process: String,
    #[diesel(sql_type = Text)]
    pub(crate) release: String,
    /// The machine, or `worker.1@machine` in a dyno.
    #[diesel(sql_type = Text)]
    pub(crate) host: String,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
    #[diesel(sql_type = Text)]
    pub(crate) ops_address: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) public_address: Option<String>,
    /// Whether it works jobs, as its manifest says.
    #[diesel(sql_type = Bool)]
    pub(crate) works: bool,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    pub(crate) started_at: DateTime<Utc>,
    /// How old its last heartbeat is, in seconds.
    #[diesel(sql_type = BigInt)]
    pub(crate) silence: i64,
}

/// Those that have not stopped. One that was killed stays until another of its process has started on its machine
/// since, or in the dyno of its name; or for an hour.
const INSTANCES: &str = "\
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

impl Instance {
    /// In characters.
    const LONGEST_NAME: usize = 200;

    /// What its actions are about; a name that is far too long would not go into their index.
    pub(crate) fn subject(&self) -> String {
        let process: String = self.process.chars().take(Self::LONGEST_NAME).collect();
        format!("{process} {}", self.id)
    }

    /// Its heartbeat is a second observer's word.
    pub(crate) fn is_heard_of(&self) -> bool {
        i64::try_from(ALIVE_FOR.as_secs()).is_ok_and(|limit| self.silence <= limit)
    }

    /// The name of the dyno that it runs in, if it runs in one: the next one has it again.
    pub(crate) fn dyno(&self) -> Option<&str> {
        self.host.split_once('@').map(|(dyno, _)| dyno)
    }

    /// Whether its ops server can be asked from the given machine.
    pub(crate) fn is_askable_from(&self, host: &str) -> bool {
        let is_loopback = self.ops_address.starts_with("127.") || self.ops_address.starts_with("[::1]");
        self.host == host || !is_loopback
    }
}

pub(crate) async fn read(connection: &mut Connection) -> diesel::QueryResult<Vec<Instance>> {
    diesel::sql_query(INSTANCES).load(connection).await
}
