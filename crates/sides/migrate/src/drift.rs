//! Whether a database matches its applied migrations.

use database::DatabaseUrl;

use crate::{
    MigrateError, Migration, ledger, session,
    shadow::{Place, Scratch, catalogue, texts},
};

/// What of the schema is not as the applied migrations make it, a line each: `-` should be there, `+` is there.
///
/// Their applied text counts, not what the files say now.
///
/// # Errors
/// When the database is unavailable or no scratch database can be made.
pub async fn drift(
    url: &DatabaseUrl,
    shadow: Option<&DatabaseUrl>,
    all: &[Migration],
) -> Result<Vec<String>, MigrateError> {
    let client = session::connect_as("migrate (drift)", url).await?;
    let applied = ledger::applied(&client).await?;
    let place = Place::find(url, shadow).await?;
    let scratch = Scratch::create(&place, &texts(all, &applied)).await?;
    let expected = async {
        scratch.replay(&applied, all).await?;
        Ok::<_, MigrateError>(catalogue(&scratch.eye).await?)
    };
    let expected = expected.await;
    scratch.end().await?;
    Ok(expected?.difference(&catalogue(&client).await?))
}
