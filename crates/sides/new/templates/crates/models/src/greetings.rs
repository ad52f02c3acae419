//! Greetings.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::greetings;

/// A greeting that was written down.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
pub struct Greeting {
    pub id: i64,
    /// Who was greeted.
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// Writes a greeting down.
///
/// # Errors
/// When the database refuses or is away.
pub async fn add(connection: &mut AsyncPgConnection, name: &str) -> QueryResult<Greeting> {
    diesel::insert_into(greetings::table)
        .values(greetings::name.eq(name))
        .returning(Greeting::as_returning())
        .get_result(connection)
        .await
}

/// The newest greetings, at most `count`.
///
/// # Errors
/// When the database is unavailable.
pub async fn newest(connection: &mut AsyncPgConnection, count: i64) -> QueryResult<Vec<Greeting>> {
    greetings::table
        .order(greetings::id.desc())
        .limit(count)
        .select(Greeting::as_select())
        .load(connection)
        .await
}
