//! Adds a process: a crate and its Procfile.

use std::path::Path;

use crate::{Name, NewError, Written, changes::Changes, templates};

/// Writes a process that idles, into `crates/<name>` and `Procfile.<name>`.
///
/// # Errors
/// When there is one already, or the workspace's list of members is not found. Nothing is written then.
pub fn process(root: &Path, name: &Name) -> Result<Vec<Written>, NewError> {
    let own = name.as_str();
    let mut changes = Changes::new(root);
    changes.create(format!("Procfile.{own}"), format!("{own}: {own}\n"))?;
    changes
        .create(format!("crates/{own}/Cargo.toml"), templates::fill(templates::PROCESS_MANIFEST, name, ""))?;
    changes.create(format!("crates/{own}/src/main.rs"), templates::fill(templates::PROCESS, name, ""))?;
    let member = format!("\"crates/{own}\"");
    let listed = std::fs::read_to_string(root.join("Cargo.toml"));
    if !listed.is_ok_and(|text| text.contains("\"crates/*\"")) {
        changes.change("Cargo.toml", |text| {
            let start = "members = [";
            let at = text.find(start).ok_or(("list `members = [`", member.clone()))? + start.len();
            Ok(format!("{}{member}, {}", &text[..at], &text[at..]))
        })?;
    }
    changes.write()
}
