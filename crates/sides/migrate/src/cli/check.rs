//! `check`: runs the command and shows the result.

use std::path::Path;

use database::DatabaseUrl;

use super::{Check, annotations, report::Report};
use crate::{
    MigrateError, Migration,
    check::{Checked, Memory, check_remembering, fix},
    ledger, session,
    shadow::Place,
};

/// Returns whether anything is still refused.
pub(crate) async fn run(
    url: &DatabaseUrl,
    folder: &Path,
    all: &[Migration],
    options: &Check,
    report: &Report,
) -> Result<bool, MigrateError> {
    let found = look(url, all, options, report).await?;
    report.checked(folder, &found, annotations::are_wanted(options.annotate));
    if !options.fix {
        return Ok(found.iter().any(Checked::is_refused));
    }
    let mut is_refused = false;
    for one in found.iter().filter(|one| one.is_refused()) {
        let Some(migration) = all.iter().find(|migration| migration.name() == one.name) else { continue };
        match fix(options.shadow.as_ref().unwrap_or(url), folder, all, migration, one).await {
            Ok(fixed) => report.fixed(&fixed),
            Err(error) => {
                is_refused = true;
                report.complain(&error);
            }
        }
    }
    Ok(is_refused)
}

async fn look(
    url: &DatabaseUrl,
    all: &[Migration],
    options: &Check,
    report: &Report,
) -> Result<Vec<Checked>, MigrateError> {
    let applied = if options.all {
        Vec::new()
    } else {
        let client = session::connect_as("migrate (check)", url).await?;
        ledger::applied(&client).await?
    };
    let is_pending = |one: &Migration| applied.iter().all(|applied| applied.version != one.version());
    let place = Place::find(url, options.shadow.as_ref()).await?;
    place.note().iter().for_each(|note| report.note(note));
    check_remembering(&place, all, is_pending, &mut Memory::open(&place, all)).await
}
