//! A whole new workspace.

use std::{env, fs, path::Path};

use crate::{Chassis, Name, NewError, Written, changes::Changes, templates};

/// Writes a workspace named `name` into `folder`, which is made; a folder that is there must be empty.
///
/// # Errors
/// When the folder holds something already or cannot be written.
pub fn workspace(name: &Name, folder: &Path, chassis: &Chassis) -> Result<Vec<Written>, NewError> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(NewError::NotEmpty(folder.to_owned()));
    }
    if folder.is_file() {
        return Err(NewError::Exists(folder.to_owned()));
    }
    let file = |doing| move |source| NewError::File { doing, file: folder.to_owned(), source };
    let root = env::current_dir().map_err(file("read"))?.join(folder);
    // Where it will be, with every link on the way followed, as the checkout's own folder is.
    fs::create_dir_all(&root).map_err(file("write"))?;
    let root = root.canonicalize().map_err(file("read"))?;
    let mut changes = Changes::new(folder);
    for (path, text) in templates::WORKSPACE {
        changes.create(*path, templates::fill(text, name, &chassis.dependencies(&root)))?;
    }
    let mut written = changes.write()?;
    if let Some(lock) = chassis.lock_file() {
        fs::copy(lock, folder.join("Cargo.lock")).map_err(file("write"))?;
        written.push(Written { file: "Cargo.lock".into(), is_changed: false });
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_no_blank_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let acme = folder.path().join("acme");
        let name = Name::read("acme").unwrap();
        let chassis = Chassis::of_this_build().unwrap();
        let written = workspace(&name, &acme, &chassis).unwrap();
        for one in &written {
            let text = fs::read_to_string(acme.join(&one.file)).unwrap();
            // GitHub's own expressions have the same brackets, with a blank behind them.
            let left = text.match_indices("{{").find(|(at, _)| !text[at + 2..].starts_with([' ', '\n']));
            assert!(left.is_none(), "{}: {:?}", one.file.display(), left.map(|(at, _)| &text[at..]));
        }
        assert!(matches!(workspace(&name, &acme, &chassis), Err(NewError::NotEmpty(_))));
    }
}
