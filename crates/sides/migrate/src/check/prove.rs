//! Whether what is written instead ends where the plain migration does: both are run from the state before, on made
//! rows, and everything is compared that a dump or a reader would show.

mod rows;
mod state;

use std::collections::BTreeSet;

use database::DatabaseUrl;

use self::{rows::Rows, state::State};
use crate::{
    MigrateError, Migration,
    backfill::{Batched, in_batches},
    script::Script,
    shadow::{Place, Scratch, texts},
};

/// How many rows a batch has here: fewer than there are made rows, so that there are several.
const BATCH: u64 = 7;

/// What is different at the end, a line each; nothing when the two are the same.
///
/// # Errors
/// When no scratch database can be made, or the plain migration does not apply.
pub(super) async fn differences(
    server: &DatabaseUrl,
    before: &[Migration],
    plain: &Migration,
    written: &[Migration],
) -> Result<Vec<String>, MigrateError> {
    let place = Place::find(server, None).await?;
    let all: Vec<Migration> = before.iter().chain([plain]).chain(written).cloned().collect();
    let mut failed = None;
    // Rows that the plain migration refuses say nothing of the other; without any it says least.
    for rows in [Rows::WithNulls, Rows::Full, Rows::None] {
        let base = Scratch::create(&place, &texts(&all, &[])).await?;
        let compared = on(&base, before, rows, plain, written).await;
        base.end().await?;
        match compared? {
            Ok(differences) => return Ok(differences),
            Err(why) => failed = Some(why),
        }
    }
    Ok(failed.into_iter().collect())
}

/// The same with such rows; or why the plain migration does not apply to them.
async fn on(
    base: &Scratch,
    before: &[Migration],
    rows: Rows,
    plain: &Migration,
    written: &[Migration],
) -> Result<Result<Vec<String>, String>, MigrateError> {
    for migration in before {
        base.apply(migration).await?;
    }
    rows::make(&base.client, rows).await?;
    let known = state::columns(&base.client).await?;
    let mut ends = Vec::new();
    for migrations in [std::slice::from_ref(plain), written] {
        let copy = base.copy().await?;
        let end = end(&copy, migrations, &known, plain).await;
        copy.end().await?;
        match (end?, ends.is_empty()) {
            (Ok(end), _) => ends.push(end),
            (Err(why), true) => return Ok(Err(why)),
            (Err(why), false) => return Ok(Ok(vec![why])),
        }
    }
    Ok(Ok(ends[0].differences(&ends[1])))
}

/// The state behind these migrations, or why one does not apply.
async fn end(
    scratch: &Scratch,
    migrations: &[Migration],
    known: &BTreeSet<(String, String)>,
    plain: &Migration,
) -> Result<Result<State, String>, MigrateError> {
    for migration in migrations {
        let script = Script::up(migration)?;
        // The plain one is what it says it is, all rows at once.
        let applied = match script.is_backfill && migration != plain {
            true => fill(scratch, &script).await?,
            false => scratch.apply(migration).await.map_err(|error| error.to_string()),
        };
        if let Err(why) = applied {
            return Ok(Err(why));
        }
    }
    Ok(Ok(State::read(&scratch.client, known, plain).await?))
}

/// In batches, as `up` does it.
async fn fill(scratch: &Scratch, script: &Script<'_>) -> Result<Result<(), String>, MigrateError> {
    for (index, statement) in script.statements.iter().enumerate() {
        let done = match Batched::of(&statement.text) {
            Some(batched) => in_batches(&scratch.client, &batched, BATCH).await,
            None => scratch.client.batch_execute(&statement.text).await.map(Ok),
        };
        let why = match done {
            Ok(Ok(())) => continue,
            Ok(Err(why)) => why,
            Err(error) => script.failed(index, error.into()).to_string(),
        };
        return Ok(Err(why));
    }
    Ok(Ok(()))
}
