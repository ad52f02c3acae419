//! The processes with a row in `sides.instances`, wherever they run.

use anyhow::Context as _;
use database::DatabaseUrl;

pub use schema::instances::Instance;

/// Those that are alive.
pub async fn alive(url: &DatabaseUrl) -> anyhow::Result<Vec<Instance>> {
    let mut connection = database::connect(url).await?;
    let found = schema::instances::alive(&mut connection).await;
    found.context("cannot read the running processes; is the schema up to date? run `sides migration up`")
}
