//! The clock's connection: set up so that a stuck clock cannot hold up the others.

use std::{collections::HashMap, time::Instant};

use chrono::{DateTime, Utc};
use database::{ConnectError, Connection, DatabaseUrl};
use diesel::{
    QueryableByName,
    sql_types::{Array, Nullable, Text, Timestamptz},
};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};

use crate::{timeline::Known, wall::Wall};

/// A clock that stops in the middle of a tick, paused or cut off, holds the tick's key. Postgres ends such a
/// session after a second, and the others go on.
const SET_UP: &str = "\
SET idle_in_transaction_session_timeout = '1s';
SET statement_timeout = '5s'";

/// Why the clock has no session any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the database is away")]
    Connect(#[from] ConnectError),
    #[error("the database refused a question")]
    Query(#[from] diesel::result::Error),
    #[error("the database did not answer within {} s", crate::ticker::LIMIT.as_secs())]
    Slow,
}

/// An open connection and the time that its server keeps.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    pub(crate) wall: Wall,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    expression: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    zone: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_due_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_due_at: Option<DateTime<Utc>>,
}

const KNOWN: &str = "\
SELECT wanted.name, announced.expression, announced.zone, announced.next_due_at,
    (SELECT max(due_at) FROM sides.ticks WHERE schedule = wanted.name) AS last_due_at
FROM unnest($1) AS wanted (name) LEFT JOIN sides.schedules AS announced USING (name)";

impl Session {
    pub(crate) async fn open(database: &DatabaseUrl) -> Result<Self, SessionError> {
        let mut connection = database::connect(database).await?;
        connection.batch_execute(SET_UP).await?;
        let wall = read_time(&mut connection).await?;
        Ok(Self { connection, wall })
    }

    /// Asks the database for its time again.
    pub(crate) async fn read_time(&mut self) -> Result<(), SessionError> {
        self.wall = read_time(&mut self.connection).await?;
        Ok(())
    }

    /// What the database knows of the schedules of these names.
    pub(crate) async fn known(&mut self, names: Vec<&str>) -> Result<HashMap<String, Known>, SessionError> {
        let query = diesel::sql_query(KNOWN).bind::<Array<Text>, _>(names);
        let rows: Vec<Row> = query.load(&mut self.connection).await?;
        let known = rows.into_iter().map(|row| {
            let announced = row.expression.zip(row.zone);
            let known = Known { announced, next_due_at: row.next_due_at, last_due_at: row.last_due_at };
            (row.name, known)
        });
        Ok(known.collect())
    }
}

async fn read_time(connection: &mut Connection) -> Result<Wall, SessionError> {
    let asked = Instant::now();
    let now: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(connection).await?;
    Ok(Wall::new(now.now, asked))
}
