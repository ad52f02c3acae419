//! Old actions go.

use database::Connection;
use diesel_async::RunQueryDsl as _;

const ACTIONS: &str = "DELETE FROM sides.actions WHERE at < now() - interval '90 days'";

/// Deletes what nobody scraper at any more.
pub(crate) async fn prune(connection: &mut Connection) -> diesel::QueryResult<()> {
    diesel::sql_query(ACTIONS).execute(connection).await?;
    Ok(())
}
