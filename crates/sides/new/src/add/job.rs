//! Adds a job: its contract, its handler, and a line in the registry.

use std::path::Path;

use crate::{
    Name, NewError, Written,
    changes::Changes,
    edit::{insert_into_block, insert_sorted},
    templates,
};

/// Kinds whose type would hide one that the contract or the handler uses.
const USED: &[&str] = &["context", "deserialize", "job", "job_error", "result", "serialize", "state"];

/// Writes a job of the kind `name`: the contract in `crates/jobs`, the handler in `crates/worker`.
///
/// # Errors
/// When there is one already, or a file does not look as expected. Nothing is written then.
pub fn job(root: &Path, name: &Name) -> Result<Vec<Written>, NewError> {
    let (kind, job) = (name.as_str(), name.as_type());
    if USED.contains(&kind) {
        let why = "its type would hide another one that every handler uses; say what the job does, such as send_report";
        return Err(NewError::Name { name: kind.to_owned(), why });
    }
    let mut changes = Changes::new(root);
    changes.create(format!("crates/jobs/src/{kind}.rs"), templates::fill(templates::JOB, name, ""))?;
    changes.create(
        format!("crates/worker/src/handlers/{kind}.rs"),
        templates::fill(templates::HANDLER, name, ""),
    )?;
    changes.change("crates/jobs/src/lib.rs", |text| {
        let (own, open) = (format!("mod {kind};"), format!("pub use {kind}::{job};"));
        let text = insert_sorted(text, "mod ", &own).ok_or(("line that begins with `mod`", own))?;
        insert_sorted(&text, "pub use ", &open).ok_or(("line that begins with `pub use`", open))
    })?;
    changes.change("crates/worker/src/handlers.rs", |text| {
        let line = format!("pub(crate) mod {kind};");
        insert_sorted(text, "pub(crate) mod ", &line).ok_or(("line that begins with `pub(crate) mod`", line))
    })?;
    changes.change("crates/worker/src/registry.rs", |text| {
        let line = format!("    {job} => {kind},");
        insert_into_block(text, "handlers! {", &line).ok_or(("list `handlers! {`", line))
    })?;
    changes.write()
}
