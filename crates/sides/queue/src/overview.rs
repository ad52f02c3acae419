//! What waits, runs and has failed, by kind: for people.

use database::Connection;
use diesel::QueryResult;
use schema::jobs::seen;

pub use schema::jobs::seen::Kind as KindOverview;

/// The queue by kind.
///
/// # Errors
/// When the database is unavailable.
pub async fn overview(connection: &mut Connection) -> QueryResult<Vec<KindOverview>> {
    seen::kinds(connection).await
}
