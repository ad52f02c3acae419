//! How long jobs are remembered once they are over.

use std::time::Duration;

use database::Connection;
use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Double, Integer, Text},
};
use diesel_async::RunQueryDsl as _;

use crate::{prepared::Prepared, runner::FORGET_NOTES};

/// The tables that remember.
pub(crate) const TABLES: [&str; 2] = ["job_history", "job_attempts"];

#[derive(QueryableByName)]
struct Dropped {
    #[diesel(sql_type = Integer)]
    dropped: i32,
}

/// Forgets what was over longer ago than `keep`, by dropping whole days, and makes room for the coming days.
/// Returns how many partitions were dropped. Running it often costs nothing. Not for within a transaction: each
/// table has one of its own, so that nobody who reads both waits in a circle with it.
///
/// # Errors
/// When the database is unavailable, or is so busy that the partitions could not be had for a second.
pub async fn keep_history(connection: &mut Connection, keep: Duration) -> QueryResult<u32> {
    let mut dropped = 0;
    for table in TABLES {
        let query = diesel::sql_query("SELECT sides.keep_history(make_interval(secs => $1), $2) AS dropped")
            .bind::<Double, _>(keep.as_secs_f64())
            .bind::<Text, _>(table);
        let row: Dropped = Prepared(query).get_result(connection).await?;
        dropped += u32::try_from(row.dropped).unwrap_or(0);
    }
    let query = diesel::sql_query(FORGET_NOTES).bind::<Double, _>(keep.as_secs_f64());
    Prepared(query).execute(connection).await?;
    Ok(dropped)
}
