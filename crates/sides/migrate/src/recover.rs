//! After a crash: what became of a statement that runs outside a transaction.

use tokio_postgres::{Client, Error};

use crate::{Event, concurrent::Concurrent, ledger::Before};

/// Clears the way for the statement. True when it was done all the same, and only its record is missing.
pub(crate) async fn prepare(
    client: &Client,
    concurrent: &Concurrent,
    before: Before,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<bool, Error> {
    let begun = matches!(before, Before::Begun(_));
    match concurrent {
        Concurrent::CreateIndex { index, table, if_not_exists } => {
            let found = find_index(client, index, table).await?;
            let Some(Index { name, valid }) = found else { return Ok(false) };
            if !valid {
                // IF NOT EXISTS would keep it, and no query would ever use it.
                tell(Event::Rebuilds { index: name.clone() });
                client.batch_execute(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
                return Ok(false);
            }
            Ok(begun && !if_not_exists)
        }
        Concurrent::DropIndex { index } => {
            let gone = client.query_one("SELECT to_regclass($1) IS NULL", &[index]).await?;
            Ok(begun && gone.get(0))
        }
        Concurrent::Detach { partition } => {
            let state = client
                .query_opt(
                    "SELECT inhdetachpending, inhparent::regclass::text FROM pg_inherits WHERE inhrelid = to_regclass($1)",
                    &[partition],
                )
                .await?;
            match state {
                None => Ok(begun),
                Some(row) if row.get(0) => {
                    let parent: String = row.get(1);
                    let finalize = format!("ALTER TABLE {parent} DETACH PARTITION {partition} FINALIZE");
                    client.batch_execute(&finalize).await?;
                    Ok(true)
                }
                Some(_) => Ok(false),
            }
        }
        Concurrent::Repeatable => Ok(false),
    }
}

struct Index {
    /// Quoted and with its schema.
    name: String,
    valid: bool,
}

/// An index lives in its table's schema; its name is written without one.
async fn find_index(client: &Client, index: &str, table: &str) -> Result<Option<Index>, Error> {
    let row = client
        .query_opt(
            "SELECT format('%I.%I', n.nspname, c.relname), i.indisvalid
             FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE i.indrelid = to_regclass($2) AND c.relname = (parse_ident($1))[1]",
            &[&index, &table],
        )
        .await?;
    Ok(row.map(|row| Index { name: row.get(0), valid: row.get(1) }))
}
