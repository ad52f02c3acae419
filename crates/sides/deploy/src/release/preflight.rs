//! What can be known before a build, said before it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use database::DatabaseUrl;
use tokio::time;

use workspace::{Workspace, releases::ask_for_room};

/// A build of a program writes more than this, and what is kept of it comes on top.
const BUILD_BYTES: u64 = 256 << 20;
/// A database that does not answer by then is away.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// What the first release makes, and later ones change.
const MAY_CHANGE: &str = "\
SELECT current_user::text, current_database()::text, current_setting('default_transaction_read_only') = 'on' OR pg_is_in_recovery(),
    CASE WHEN to_regnamespace('sides') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege('sides', 'USAGE') END";

/// # Errors
/// When a release would fail for want of something: room, a database that answers, a right.
pub(super) async fn check(workspace: &Workspace, url: &DatabaseUrl) -> anyhow::Result<()> {
    ask_for_room(&workspace.releases_folder(), BUILD_BYTES).context("a release would not fit on the disk")?;
    let asked = time::timeout(ANSWER_LIMIT, rights(url)).await;
    asked.unwrap_or_else(|_| bail!("the database did not answer within {} s", ANSWER_LIMIT.as_secs()))
}

async fn rights(url: &DatabaseUrl) -> anyhow::Result<()> {
    let client = database::client(&url.with_application_name("sides release")).await?;
    let row =
        client.query_one(MAY_CHANGE, &[]).await.context("the database cannot be asked for its rights")?;
    let (user, database, is_read_only, may): (String, String, bool, bool) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    if is_read_only {
        bail!(
            "{database} is read-only now (a standby, or default_transaction_read_only): release on the primary"
        );
    }
    if !may {
        bail!(
            "the user {user} may not make or use the schema sides in {database}: as its owner, run\n  GRANT CREATE ON \
             DATABASE \"{database}\" TO \"{user}\"\nor, where the schema is there already,\n  GRANT USAGE ON SCHEMA sides TO \
             \"{user}\""
        );
    }
    Ok(())
}
