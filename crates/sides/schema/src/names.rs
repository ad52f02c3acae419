//! The names that the database knows: to complete and to correct what people type.

use diesel::{QueryResult, QueryableByName, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// Names that the database knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Of jobs: those that wait or ran, those that workers handle, those that schedules enqueue.
    Kinds,
    /// Of queues with jobs, rules or a history.
    Queues,
    /// Of all schedules.
    Schedules,
    /// Schedules that were added, and so can be removed.
    AddedSchedules,
    /// The numbers of receipts, the newest first.
    Receipts,
}

impl Names {
    fn query(self) -> &'static str {
        match self {
            Self::Kinds => {
                "SELECT DISTINCT kind AS name FROM (
                    SELECT kind FROM sides.fang_tasks
                    UNION ALL SELECT unnest(kinds) FROM sides.runners WHERE lease_until > now()
                    UNION ALL SELECT kind FROM sides.schedules
                    UNION ALL SELECT kind FROM sides.stored_schedules
                    UNION ALL SELECT name FROM sides.job_rules WHERE scope = 'kind'
                    UNION ALL (SELECT kind FROM sides.job_history ORDER BY finished_at DESC LIMIT 10000)
                ) AS kinds WHERE kind <> '' ORDER BY name LIMIT 1000"
            }
            Self::Queues => {
                "SELECT DISTINCT queue AS name FROM (
                    SELECT task_type AS queue FROM sides.fang_tasks
                    UNION ALL SELECT name FROM sides.job_rules WHERE scope = 'queue'
                    UNION ALL (SELECT queue FROM sides.job_history ORDER BY finished_at DESC LIMIT 10000)
                ) AS queues WHERE queue <> '' ORDER BY name LIMIT 1000"
            }
            Self::Schedules => {
                "SELECT name FROM sides.schedules UNION SELECT name FROM sides.stored_schedules
                ORDER BY name LIMIT 1000"
            }
            Self::AddedSchedules => "SELECT name FROM sides.stored_schedules ORDER BY name LIMIT 1000",
            Self::Receipts => "SELECT id::text AS name FROM sides.releases ORDER BY id DESC LIMIT 100",
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Asks the database; a thousand are enough.
///
/// # Errors
/// When the database is unavailable, or not migrated.
pub async fn known(connection: &mut AsyncPgConnection, names: Names) -> QueryResult<Vec<String>> {
    let rows: Vec<Row> = diesel::sql_query(names.query()).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}
