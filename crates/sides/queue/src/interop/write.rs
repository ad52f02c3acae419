//! Writing one of fang's jobs into the queue.

use chrono::{DateTime, Utc};
use database::Connection;
use diesel::{
    QueryResult,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use fang::AsyncRunnable;
use sha2::{Digest as _, Sha256};

use super::row::{COLUMNS, Row};
use crate::{
    JobId, OnConflict, UniqueUntil, arguments,
    insert::{self, NewJob},
    prepared::Prepared,
};

/// One of fang's jobs before it is written.
pub(crate) struct Draft {
    kind: String,
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
        let kind = value["type"].as_str().unwrap_or_default().to_owned();
        Ok(Self { kind, metadata, queue: job.task_type(), uniq_hash: job.uniq().then_some(hash), key })
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
        let row = self.row(at);
        // In one transaction: once it is there for others, a runner may have done it before it is read.
        c.transaction(async |c| {
            let written = insert::write(c, &row).await?;
            let sql = format!("SELECT {COLUMNS} FROM sides.fang_tasks WHERE id = $1");
            Prepared(diesel::sql_query(sql).bind::<SqlUuid, _>(written.id)).get_result(c).await
        })
        .await
    }

    /// What fang says nothing of is as the queue has it by itself.
    fn row(&self, at: DateTime<Utc>) -> NewJob {
        NewJob {
            id: JobId::generate().0,
            kind: self.kind.clone(),
            metadata: self.metadata.clone(),
            version: 1,
            queue: self.queue.clone(),
            priority: 0,
            at: Some(at),
            unique_key: self.key.clone(),
            until: if self.key.is_some() { UniqueUntil::Started } else { UniqueUntil::default() },
            on_conflict: OnConflict::default(),
            limit_key: None,
            uniq_hash: self.uniq_hash.clone(),
            tags: Vec::new(),
            trace: None,
            enqueued_by: None,
        }
    }
}

/// As fang computes it.
pub(crate) fn hash(metadata: &str) -> String {
    hex::encode(Sha256::digest(metadata))
}
