//! `grants`: from manifest files to rights.

use std::fs;

use database::DatabaseUrl;
use manifest::Manifest;

use super::{Grants, outcome::Outcome, report::Report};
use crate::{Event, MigrateError, Options, grants::grant};

pub(crate) async fn run(
    url: &DatabaseUrl,
    options: &Grants,
    report: &mut Report,
) -> Result<Outcome, MigrateError> {
    let mut manifests = Vec::new();
    for path in &options.manifest {
        let unread = |why: String| MigrateError::Manifest { path: path.clone(), why };
        let text = fs::read_to_string(path).map_err(|error| unread(error.to_string()))?;
        manifests.push(serde_json::from_str::<Manifest>(&text).map_err(|error| unread(error.to_string()))?);
    }
    let mut tell = |event: Event| report.event(&event);
    let granted = grant(url, &manifests, options.narrow, &Options::default(), &mut tell).await?;
    report.granted(&granted);
    let is_nothing = granted.iter().all(|one| one.statements.is_empty());
    Ok(if is_nothing { Outcome::Nothing } else { Outcome::Done })
}
