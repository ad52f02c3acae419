//! Who holds the lock of a release, for those who wait for it.

use std::{
    fmt,
    time::{Duration, Instant},
};

use schema::{
    locks::{HELD, RELEASE},
    releases::OF_A_SESSION,
};
use tokio_postgres::{Client, Error, Row};

/// What to do about another release.
pub(crate) const WAIT_OR_BREAK_OFF: &str =
    "on its machine, `sides release status --wait` waits for its end, and `sides rollback` stops it";

/// Postgres notices the end of a release that has just ended a moment later.
pub(super) const LAST_ONE_LEAVES: Duration = Duration::from_secs(3);
pub(super) const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// The receipt of a session before the first release, when there is nowhere to look.
const NO_RECEIPT: &str =
    "SELECT NULL::timestamptz AS started_at, NULL::text AS asked_by, NULL::jsonb AS receipt";

/// A release in progress, as far as it can be seen.
#[derive(Debug)]
pub(crate) struct Holder {
    session: i32,
    address: Option<String>,
    since: String,
    asked_by: Option<String>,
    /// The step that it has started.
    doing: Option<String>,
}

impl Holder {
    /// Who holds the lock of a release now.
    pub(super) async fn now(client: &Client) -> Result<Option<Self>, Error> {
        let row = match client.query_opt(&question(OF_A_SESSION), &[&RELEASE]).await {
            Ok(row) => row,
            Err(_) => client.query_opt(&question(NO_RECEIPT), &[&RELEASE]).await?,
        };
        Ok(row.as_ref().map(Self::read))
    }

    /// Who holds it for longer than one that is about to end.
    pub(crate) async fn who_stays(client: &Client) -> Option<Self> {
        let deadline = Instant::now() + LAST_ONE_LEAVES;
        loop {
            let holder = Self::now(client).await.ok()??;
            if Instant::now() > deadline {
                return Some(holder);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    fn read(row: &Row) -> Self {
        Self {
            session: row.get("pid"),
            address: row.get("address"),
            since: row.get("since"),
            asked_by: row.get("asked_by"),
            doing: row.get("doing"),
        }
    }
}

fn question(receipt: &str) -> String {
    format!(
        "SELECT activity.pid, host(activity.client_addr) AS address, its.asked_by, its.receipt -> 'doing' ->> 0 AS doing,
             to_char(coalesce(its.started_at, activity.backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SSZ') AS since
         FROM pg_locks JOIN pg_stat_activity AS activity USING (pid) LEFT JOIN LATERAL ({receipt}) AS its ON true
         WHERE {HELD} LIMIT 1"
    )
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.asked_by.as_deref().unwrap_or("somebody");
        let from = self.address.as_deref().unwrap_or("this machine");
        write!(f, "started by {who} from {from} (session {}) at {}", self.session, self.since)?;
        self.doing.as_ref().map_or(Ok(()), |doing| write!(f, ", now at the step: {doing}"))
    }
}
