//! Adds a process: a crate and its Procfile.

use std::path::Path;

use crate::{Name, NewError, Written, changes::Changes, templates};

/// The file with the list of processes that the operations page expects, and how that list begins.
const EXPECTED: (&str, &str) = ("crates/web/src/main.rs", "const PROCESSES: &[&str] = &[");

/// Writes a process that idles, into `crates/<name>` and `Procfile.<name>`.
///
/// # Errors
/// When there is one already, or the workspace's list of members is not found. Nothing is written then.
pub fn process(root: &Path, name: &Name) -> Result<Vec<Written>, NewError> {
    let own = name.as_str();
    if own == "all" {
        let why = "commands such as `sides restart all` mean every process by it; choose another name";
        return Err(NewError::Name { name: own.to_owned(), why });
    }
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
    // Where the operations page has a list of what should run, the new process belongs to it.
    let listed = std::fs::read_to_string(root.join(EXPECTED.0));
    if listed.is_ok_and(|text| text.contains(EXPECTED.1)) {
        changes.change(EXPECTED.0, |text| {
            let start = text.find(EXPECTED.1).map(|at| at + EXPECTED.1.len());
            let end = start.and_then(|start| Some(start + text[start..].find(']')?));
            let end = end.ok_or((EXPECTED.1, format!("{own:?}")))?;
            Ok(format!("{}, {own:?}{}", &text[..end], &text[end..]))
        })?;
    }
    changes.write()
}
