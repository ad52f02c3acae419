//! Writing one of fang's jobs into the queue.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryResult,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl as _;
use fang::AsyncRunnable;
use sha2::{Digest as _, Sha256};

use super::row::{COLUMNS, Row};
use crate::{JobId, arguments, prepared::Prepared};

/// One of fang's jobs before it is written.
pub(crate) struct Draft {
    metadata: String,
    queue: String,
    /// For a stock fang that looks for it: a digest of the metadata.
    uniq_hash: Option<String>,
    /// Among those that wait there is one with this key at most.
    key: Option<String>,
}

impl Draft {
    /// The job as its type says. A periodic one follows itself, and at most one of its kind waits.
    pub(crate) fn of(job: &dyn AsyncRunnable, follows: bool) -> Result<Self, serde_json::Error> {
        let value = serde_json::to_value(job)?;
        arguments::check_metadata(&value)
            .map_err(|fault| serde::ser::Error::custom(format!("the arguments {fault}")))?;
        let metadata = value.to_string();
        let hash = hash(&metadata);
        let key = match (job.uniq(), follows) {
            (true, _) => Some(format!("uniq {hash}")),
            (false, true) => Some(format!("cron {hash}")),
            (false, false) => None,
        };
        Ok(Self { metadata, queue: job.task_type(), uniq_hash: job.uniq().then_some(hash), key })
    }

    /// Writes it, or finds the one that waits instead.
    pub(crate) async fn write(&self, c: &mut Connection, at: DateTime<Utc>) -> QueryResult<Row> {
        // One that a stock fang has enqueued has no key, and one that is retried has lost it.
        if let Some(hash) = &self.uniq_hash {
            let sql = format!(
                "SELECT {COLUMNS} FROM sides.fang_tasks WHERE uniq_hash = $1 AND state IN ('new', 'retried') LIMIT 1"
            );
            let query = diesel::sql_query(sql).bind::<Text, _>(hash);
            if let Some(there) = Prepared(query).load::<Row>(c).await?.into_iter().next() {
                return Ok(there);
            }
        }
        let sql = format!(
            "INSERT INTO sides.fang_tasks (id, metadata, task_type, scheduled_at, uniq_hash, unique_key, \
                 unique_waiting) \
             VALUES ($1, $2::jsonb, $3, $4, $5, $6, $6 IS NOT NULL) \
             ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL \
             DO UPDATE SET unique_key = excluded.unique_key RETURNING {COLUMNS}"
        );
        let query = diesel::sql_query(sql)
            .bind::<SqlUuid, _>(JobId::generate().0)
            .bind::<Text, _>(&self.metadata)
            .bind::<Text, _>(&self.queue)
            .bind::<Timestamptz, _>(at)
            .bind::<Nullable<Text>, _>(self.uniq_hash.as_deref())
            .bind::<Nullable<Text>, _>(self.key.as_deref());
        Prepared(query).get_result(c).await
    }
}

/// As fang computes it.
pub(crate) fn hash(metadata: &str) -> String {
    hex::encode(Sha256::digest(metadata))
}
