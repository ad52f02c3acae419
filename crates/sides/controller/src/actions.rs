//! What controllers write down. However many of them see a thing, one writes it.

use ::schema::actions::{self, NewAction};
use chrono::{DateTime, Utc};
use database::Connection;
use diesel_async::AsyncConnection as _;
use process::Process;
use serde_json::Value;

pub(crate) use ::schema::actions::conclude;

use crate::budget::{Budget, Verdict};

/// A row to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Action {
    pub(crate) at: DateTime<Utc>,
    pub(crate) subject: String,
    pub(crate) action: &'static str,
    pub(crate) asked_by: String,
    pub(crate) reason: String,
    pub(crate) measured: Value,
    pub(crate) outcome: String,
}

/// Who a controller says has acted: its process and its instance.
pub(crate) fn asked_by(process: &Process) -> String {
    format!("{} {}", process.name, process.instance)
}

impl Action {
    fn new_row(&self) -> NewAction<'_> {
        NewAction {
            subject: &self.subject,
            action: self.action,
            asked_by: &self.asked_by,
            reason: &self.reason,
            measured: &self.measured,
            outcome: &self.outcome,
        }
    }
}

/// Writes an action down, unless it is what was last written of its subject: then another controller was first. The
/// answer is the row's id.
pub(crate) async fn write(connection: &mut Connection, action: &Action) -> diesel::QueryResult<Option<i64>> {
    connection
        .transaction(async |transaction| {
            // A statement of its own, so that the next one sees what was committed while this one waited.
            actions::lock(transaction, &action.subject).await?;
            actions::insert_change(transaction, action.new_row(), action.at).await
        })
        .await
}

/// Writes an action down when the budget of its subject allows it now. Of several controllers that ask at the same time
/// one gets the row's id.
pub(crate) async fn claim(
    connection: &mut Connection,
    action: &Action,
    budget: &Budget,
) -> diesel::QueryResult<(Verdict, Option<i64>)> {
    connection
        .transaction(async |transaction| {
            actions::lock(transaction, &action.subject).await?;
            let before = actions::last_hour(transaction, &action.subject, action.action).await?;
            let now = before.last().map_or_else(Utc::now, |row| row.now);
            let verdict = budget.decide(&before.iter().map(|row| row.at).collect::<Vec<_>>(), now);
            let id = match verdict {
                Verdict::Now => Some(put(transaction, action).await?),
                Verdict::Wait(_) | Verdict::Spent(_) => None,
            };
            Ok((verdict, id))
        })
        .await
}

/// Writes an action down, whatever was written before.
pub(crate) async fn put(connection: &mut Connection, action: &Action) -> diesel::QueryResult<i64> {
    actions::insert(connection, action.new_row(), None).await
}

/// Writes an action down unless the last one of its subject was the same, for the same rule.
pub(crate) async fn write_new(connection: &mut Connection, action: &Action) -> diesel::QueryResult<()> {
    actions::insert_new(connection, action.new_row()).await
}
