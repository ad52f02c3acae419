//! The scheduler's connection: set up so that a stuck scheduler cannot hold up the others.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::schema::schedules;
use chrono::{DateTime, Utc};
use database::{ConnectError, Connection, DatabaseUrl};
use diesel::{QueryableByName, sql_types::Timestamptz};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use futures_util::StreamExt as _;

use crate::{Time, orders::Orders, timeline::Known, wall::Wall};

/// An answer of the database that takes longer counts as none.
pub(crate) const LIMIT: Duration = Duration::from_secs(8);

/// A scheduler that stops in the middle of a tick, paused or cut off, holds the tick's key. Postgres ends such a
/// session after a second, and the others go on.
///
/// The session begins with them: what is SET later could reach other programs through a pooler.
const SETTINGS: [(&str, &str); 2] =
    [("idle_in_transaction_session_timeout", "1s"), ("statement_timeout", "5s")];

/// Why the scheduler has no session any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the database is unavailable")]
    Connect(#[from] ConnectError),
    #[error("the database refused a query")]
    Query(#[from] diesel::result::Error),
    #[error("the database ended the connection")]
    Ended,
    #[error("the database did not answer within {} s", LIMIT.as_secs())]
    Slow,
}

/// An open connection and the time that its server keeps.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) wall: Wall,
    time: Arc<dyn Time>,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

impl Session {
    pub(crate) async fn open(database: &DatabaseUrl, time: Arc<dyn Time>) -> Result<Self, SessionError> {
        let database = SETTINGS
            .iter()
            .fold(database.clone(), |database, (name, value)| database.with_setting(name, value));
        let mut connection = database::connect(&database).await?;
        connection.batch_execute("LISTEN sides_schedules").await?;
        let wall = read_time(&mut connection, time.clone()).await?;
        Ok(Self { connection, wall, time })
    }

    /// Asks the database for its time again.
    pub(crate) async fn read_time(&mut self) -> Result<(), SessionError> {
        self.wall = read_time(&mut self.connection, self.time.clone()).await?;
        Ok(())
    }

    pub(crate) async fn orders(&mut self) -> Result<Orders, SessionError> {
        Ok(Orders::read(&mut self.connection).await?)
    }

    /// Waits until someone changed a schedule, or the connection is lost.
    pub(crate) async fn changed(&mut self) -> Result<(), SessionError> {
        let mut notifications = std::pin::pin!(self.connection.notifications_stream());
        notifications.next().await.ok_or(SessionError::Ended)??;
        Ok(())
    }

    /// What the database knows of the schedules of these names.
    pub(crate) async fn known(&mut self, names: &[String]) -> Result<HashMap<String, Known>, SessionError> {
        let rows = schedules::known(&mut self.connection, names).await?;
        let known = rows.into_iter().map(|row| {
            let announced = row.expression.zip(row.zone);
            let known = Known { announced, next_due_at: row.next_due_at, last_due_at: row.last_due_at };
            (row.name, known)
        });
        Ok(known.collect())
    }
}

async fn read_time(connection: &mut Connection, time: Arc<dyn Time>) -> Result<Wall, SessionError> {
    let asked = time.monotonic();
    let now: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection).await?;
    Ok(Wall::new(time, now.now, asked))
}
