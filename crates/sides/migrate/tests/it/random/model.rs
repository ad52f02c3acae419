//! What a text does to tables that have rows, with nobody beside it: whether its work grows with them.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Error};

/// So few rows are some that are named.
const FEW: i64 = 20;

#[derive(Debug, Default)]
struct Relation {
    kind: String,
    file: i64,
    read: i64,
    changed: i64,
}

/// Runs it in a transaction. None when it does not apply.
pub(super) async fn try_together(model: &Client, text: &str) -> Option<bool> {
    model.batch_execute("BEGIN").await.unwrap();
    let before = relations(model).await.unwrap();
    let done = match model.batch_execute(text).await {
        Ok(()) => grows(model, &before).await,
        Err(error) => Err(error),
    };
    match (done, model.batch_execute("COMMIT").await) {
        (Ok(grows), Ok(())) => Some(grows),
        _ => None,
    }
}

async fn grows(model: &Client, before: &BTreeMap<i64, Relation>) -> Result<bool, Error> {
    let now = relations(model).await?;
    let keeps_out = model
        .query_one(
            "SELECT coalesce(array_agg(relation::int8), '{}') FROM pg_catalog.pg_locks
             WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation'
               AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')",
            &[],
        )
        .await?;
    let keeps_out: Vec<i64> = keeps_out.get(0);
    let keeps_out = keeps_out.iter().any(|oid| before.get(oid).is_some_and(|one| one.kind != "i"));
    let nothing = Relation::default();
    Ok(before.iter().any(|(oid, was)| {
        let is = now.get(oid).unwrap_or(&nothing);
        let is_rewritten = is.file != 0 && is.file != was.file;
        is_rewritten || is.changed - was.changed >= FEW || (keeps_out && is.read - was.read >= FEW)
    }))
}

async fn relations(model: &Client) -> Result<BTreeMap<i64, Relation>, Error> {
    let rows = model
        .query(
            "SELECT oid::int8, relkind::text, relfilenode::int8, pg_catalog.pg_stat_get_xact_tuples_returned(oid),
                    pg_catalog.pg_stat_get_xact_tuples_updated(oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(oid)
             FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'm', 'i')",
            &[],
        )
        .await?;
    let one = |row: &tokio_postgres::Row| Relation {
        kind: row.get(1),
        file: row.get(2),
        read: row.get(3),
        changed: row.get(4),
    };
    Ok(rows.iter().map(|row| (row.get(0), one(row))).collect())
}
