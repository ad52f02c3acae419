//! Which app runs which process, in one line: `worker=acme-worker, web=acme-web`.

use std::collections::{BTreeMap, BTreeSet};

/// Reads the line.
///
/// # Errors
/// Names the first part that cannot be, or that is there twice.
pub fn read(line: &str) -> Result<BTreeMap<String, String>, String> {
    let mut apps = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for part in line.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((process, app)) = part.split_once('=') else {
            return Err(format!("{part:?} names no app: write it as worker=acme-worker"));
        };
        let (process, app) = (process.trim(), app.trim());
        if process.is_empty() {
            return Err(format!("{part:?} names no process: write it as worker=acme-worker"));
        }
        if !is_app(app) {
            return Err(not_an_app(app));
        }
        if !taken.insert(app) {
            return Err(format!("the app {app} is named twice: each process has one of its own"));
        }
        if apps.insert(process.to_owned(), app.to_owned()).is_some() {
            return Err(format!("{process} is named twice: it can have only one app"));
        }
    }
    Ok(apps)
}

/// Writes what [`read`] reads.
#[must_use]
pub fn write(apps: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = apps.iter().map(|(process, app)| format!("{process}={app}")).collect();
    parts.join(",")
}

/// Why a name cannot be an app's.
pub(crate) fn not_an_app(name: &str) -> String {
    format!(
        "{name:?} cannot be an app's name: use 3 to 30 lowercase letters, digits and dashes, starting with a \
             letter"
    )
}

pub(crate) fn is_app(name: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=30).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(ends)
        && name.chars().all(|c| ends(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        let apps = read(" worker=acme-worker, web = acme-web,").unwrap();
        assert_eq!(apps["worker"], "acme-worker");
        assert_eq!(write(&apps), "web=acme-web,worker=acme-worker");
        assert_eq!(read(&write(&apps)), Ok(apps));
        assert_eq!(read(""), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (line, said) in [
            ("worker", "\"worker\" names no app"),
            ("=acme-worker", "names no process"),
            ("worker=Acme", "\"Acme\" cannot be an app's name"),
            ("worker=acme,web=acme", "the app acme is named twice"),
            ("worker=acme-one,worker=acme-two", "worker is named twice"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(said), "{line:?} said {error:?}, not {said:?}");
        }
    }
}
