//! Whether a database is what its applied migrations make.

use database::DatabaseUrl;

use crate::{
    MigrateError, Migration, ledger,
    shadow::{Scratch, catalogue},
};

/// What of the schema is not as the applied migrations make it, a line each: `-` should be there, `+` is there.
///
/// Their applied text counts, not what the files say now.
///
/// # Errors
/// When the database is away or no scratch database can be made on `server`.
pub async fn drift(
    url: &DatabaseUrl,
    server: &DatabaseUrl,
    all: &[Migration],
) -> Result<Vec<String>, MigrateError> {
    let client = database::client(&url.with_application_name("migrate (drift)")).await?;
    let applied = ledger::applied(&client).await?;
    let scratch = Scratch::create(server).await?;
    let expected = async {
        scratch.replay(&applied, all).await?;
        Ok::<_, MigrateError>(catalogue(&scratch.client).await?)
    };
    let expected = expected.await;
    scratch.end().await?;
    Ok(expected?.difference(&catalogue(&client).await?))
}
