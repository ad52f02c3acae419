//! A row as fang's own queue would show it.

use chrono::{DateTime, Utc};
use database::{Json, Moment};
use diesel::{
    QueryableByName,
    sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use fang::Task;
use uuid::Uuid;

/// fang's ten columns.
pub(crate) const COLUMNS: &str = "id, metadata, error_message, state::text AS state, task_type, uniq_hash, retries, \
    scheduled_at, created_at, updated_at";

#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb, deserialize_as = Json)]
    metadata: serde_json::Value,
    #[diesel(sql_type = Nullable<Text>)]
    error_message: Option<String>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    task_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    uniq_hash: Option<String>,
    #[diesel(sql_type = Integer)]
    retries: i32,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    scheduled_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz, deserialize_as = Moment)]
    updated_at: DateTime<Utc>,
}

impl From<Row> for Task {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            metadata: row.metadata,
            error_message: row.error_message,
            state: row.state.into(),
            task_type: row.task_type,
            uniq_hash: row.uniq_hash,
            retries: row.retries,
            scheduled_at: row.scheduled_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
