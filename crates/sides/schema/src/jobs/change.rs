//! What people do to jobs, by the functions of the database that do it for any language.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use uuid::Uuid;

/// Something that is done to jobs, many at a time in one statement. Jobs that it does not make sense for are left alone.
///
/// ```
/// use sides_schema::jobs::change::{Change, Which};
/// # async fn example(connection: &mut diesel_async::AsyncPgConnection) -> diesel::QueryResult<()> {
/// let all = Which::All { kind: Some("import"), queue: None };
/// let again = Change::Retry.apply(connection, all, "ada", "the disk has room again").await?;
/// println!("{} jobs run again", again.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Gives those that were given up or parked all their attempts again.
    Retry,
    /// Lets those that are parked wait for a worker again.
    Unpark,
    /// Ends those that wait, and tells those that run to stop.
    Cancel,
    /// Ends those that were given up or parked.
    Discard,
}

/// To which jobs.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// Those of these ids.
    These(&'a [Uuid]),
    /// All that it makes sense for, of a kind and in a queue if they are given.
    All {
        /// Only of this kind.
        kind: Option<&'a str>,
        /// Only in this queue.
        queue: Option<&'a str>,
    },
}

impl Change {
    /// The function that does it, and what stands so that it makes sense.
    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Retry => ("sides.retry_jobs", "(state = 'failed' OR parked_by IS NOT NULL)"),
            Self::Unpark => ("sides.unpark_jobs", "parked_by IS NOT NULL"),
            Self::Cancel => ("sides.cancel_jobs", "true"),
            Self::Discard => ("sides.discard_jobs", "(state = 'failed' OR parked_by IS NOT NULL)"),
        }
    }

    /// Does it, and writes down who wanted it and why. Returns the jobs that it was done to.
    ///
    /// # Errors
    /// When the database is unavailable, read-only or not migrated.
    pub async fn apply(
        self,
        connection: &mut AsyncPgConnection,
        which: Which<'_>,
        who: &str,
        reason: &str,
    ) -> QueryResult<Vec<Uuid>> {
        #[derive(QueryableByName)]
        struct Done {
            #[diesel(sql_type = SqlUuid)]
            job: Uuid,
        }
        let (function, stands) = self.parts();
        let done: Vec<Done> = match which {
            Which::These(ids) => {
                let sql = format!("SELECT job FROM {function}($1, $2, $3) AS job");
                let query = sql_query(sql).bind::<Array<SqlUuid>, _>(ids);
                query.bind::<Text, _>(who).bind::<Text, _>(reason).load(connection).await?
            }
            Which::All { kind, queue } => {
                let sql = format!(
                    "SELECT job FROM {function}(ARRAY(SELECT id FROM sides.fang_tasks \
                     WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR task_type = $2) AND {stands}), $3, $4) AS job"
                );
                let query = sql_query(sql).bind::<Nullable<Text>, _>(kind).bind::<Nullable<Text>, _>(queue);
                query.bind::<Text, _>(who).bind::<Text, _>(reason).load(connection).await?
            }
        };
        Ok(done.into_iter().map(|done| done.job).collect())
    }
}
