//! Other sessions that are in the way.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio_postgres::{Client, Error, Row};

use crate::{class::Lock, redact::without_values};

const LONGEST_QUERY: usize = 80;

/// A session and what it does, without the values of its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// None for a transaction that was prepared and never ended.
    pub(crate) pid: Option<i32>,
    user: String,
    application: String,
    state: String,
    seconds: i64,
    query: String,
}

impl Session {
    /// From a row with the columns of [`COLUMNS`].
    fn read(row: &Row) -> Self {
        Self {
            pid: row.get("pid"),
            user: row.get("user"),
            application: row.get("application"),
            state: row.get("state"),
            seconds: row.get("seconds"),
            query: without_values(row.get("query"), LONGEST_QUERY),
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(
                f,
                "pid {pid} ({}, {}) {} for {} s: {}",
                self.user, self.application, self.state, self.seconds, self.query
            ),
            None => write!(
                f,
                "the prepared transaction {} ({}), {} s old; COMMIT or ROLLBACK PREPARED ends it",
                self.application, self.user, self.seconds
            ),
        }
    }
}

/// What of `pg_stat_activity AS a` a [`Session`] is read from.
const COLUMNS: &str = "a.pid, coalesce(a.usename::text, '') AS user,
    coalesce(nullif(a.application_name, ''), a.backend_type) AS application, coalesce(a.state, 'at work') AS state,
    coalesce(round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change))), 0)::bigint AS seconds,
    left(a.query, 2000) AS query";

/// Those for which the session `pid` waits.
pub(crate) async fn blockers(client: &Client, pid: i32) -> Result<Vec<Session>, Error> {
    let query =
        format!("SELECT {COLUMNS} FROM pg_stat_activity AS a WHERE a.pid = ANY (pg_blocking_pids($1))");
    Ok(client.query(&query, &[&pid]).await?.iter().map(Session::read).collect())
}

/// Transactions older than `old` that hold a lock which one of the wanted ones must wait for, or, with
/// `any_snapshot`, that may still see old rows.
pub(crate) async fn in_the_way(
    client: &Client,
    wanted: &BTreeMap<String, Lock>,
    any_snapshot: bool,
    old: Duration,
) -> Result<Vec<Session>, Error> {
    let mut names = Vec::new();
    let mut modes = Vec::new();
    for (relation, lock) in wanted {
        for held in Lock::ALL.iter().filter(|held| lock.conflicts_with(**held)) {
            names.push(quoted(relation));
            modes.push(format!("{held}Lock"));
        }
    }
    let query = format!(
        "WITH wanted AS (
             SELECT to_regclass(name)::oid AS relation, mode FROM unnest($1::text[], $2::text[]) AS w (name, mode)
         ), holding AS (
             SELECT l.pid, l.virtualtransaction FROM pg_locks AS l JOIN wanted AS w USING (relation, mode)
             WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         )
         SELECT {COLUMNS} FROM pg_stat_activity AS a
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
           AND a.xact_start < clock_timestamp() - make_interval(secs => $3)
           AND a.application_name <> 'migrate (watching)'
           AND (a.pid IN (SELECT pid FROM holding) OR ($4 AND a.backend_xmin IS NOT NULL AND a.backend_type = 'client backend'))
         UNION ALL
         SELECT NULL, p.owner, quote_literal(p.gid), 'prepared', round(extract(epoch FROM clock_timestamp() - p.prepared))::bigint, ''
         FROM pg_prepared_xacts AS p
         WHERE p.database = current_database() AND p.prepared < clock_timestamp() - make_interval(secs => $3)
           AND ($4 OR '-1/' || p.transaction::text IN (SELECT virtualtransaction FROM holding))"
    );
    let rows = client.query(&query, &[&names, &modes, &old.as_secs_f64(), &any_snapshot]).await?;
    Ok(rows.iter().map(Session::read).collect())
}

/// A folded name as Postgres reads it back.
fn quoted(relation: &str) -> String {
    let parts: Vec<_> =
        relation.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\""))).collect();
    parts.join(".")
}
