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
        for one in &applied {
            let known = all.iter().find(|migration| migration.version() == one.version);
            let migration = match (&one.up_sql, known) {
                (Some(up), _) => {
                    Migration::new(one.name.clone().unwrap_or_else(|| one.version.clone()), up.clone(), "")
                }
                (None, Some(known)) => known.clone(),
                (None, None) => return Err(MigrateError::NotKnown { version: one.version.clone() }),
            };
            scratch.apply(&migration).await?;
        }
        Ok(catalogue(&scratch.client).await?)
    };
    let expected = expected.await;
    scratch.end().await?;
    Ok(expected?.difference(&catalogue(&client).await?))
}
