//! Generated rows, the same each time, as far as a table accepts them.

use tokio_postgres::{Client, Error};

/// What rows are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// With NULL here and there where it is allowed.
    WithNulls,
    /// With a value everywhere.
    Full,
    None,
}

/// How many for each table.
const COUNT: i32 = 24;

/// Fills every table. Numbers are the same in all, so that foreign keys find what they refer to.
pub(super) async fn make(client: &Client, rows: Rows) -> Result<(), Error> {
    if rows == Rows::None {
        return Ok(());
    }
    let found = client.query(include_str!("rows.sql"), &[&(rows == Rows::WithNulls)]).await?;
    let statements: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    // In any order, so those that refer to others come again.
    let mut left = statements;
    for _ in 0..3 {
        let mut refused = Vec::new();
        for statement in left {
            let all = format!("{statement} WHERE n <= {COUNT} ON CONFLICT DO NOTHING");
            if client.batch_execute(&all).await.is_err() {
                refused.push(statement);
            }
        }
        left = refused;
    }
    // What no such table takes as a whole it may take in part.
    for statement in left {
        for n in 1..=COUNT {
            client.batch_execute(&format!("{statement} WHERE n = {n} ON CONFLICT DO NOTHING")).await.ok();
        }
    }
    // Statistics decide nothing, but a materialized view shows what its tables had when it was filled.
    Ok(())
}
