//! Stores a release's files where the host finds them: `.sides/releases/<process>/<release>/`.

use std::{
    fs, io,
    path::{Component, Path},
};

use crate::place::Bundle;

/// Copies a release's files into its folder. One that is there already is complete: folders appear in one step.
pub(super) fn keep(folder: &Path, process: &str, release: &str, bundle: &Bundle) -> io::Result<()> {
    let refuse = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    for name in [process, release] {
        if !is_plain(Path::new(name)) || Path::new(name).components().count() != 1 {
            return Err(refuse(format!("{name:?} cannot be a directory's name")));
        }
    }
    let kept = folder.join(process).join(release);
    if kept.is_dir() {
        return Ok(());
    }
    let fresh = folder.join(process).join(format!("new-{}", std::process::id()));
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&fresh)?,
    }
    for file in &bundle.files {
        if !is_plain(Path::new(&file.name)) {
            return Err(refuse(format!("{:?} leads out of the release's directory", file.name)));
        }
        let target = fresh.join(&file.name);
        fs::create_dir_all(target.parent().unwrap_or(&fresh))?;
        let copied = fs::copy(&file.source, &target);
        copied
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.source.display())))?;
        fs::File::open(&target)?.sync_all()?;
    }
    fs::rename(&fresh, &kept)
}

/// Downwards only.
fn is_plain(path: &Path) -> bool {
    path.components().count() > 0 && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::BundleFile;

    #[test]
    fn a_bundle_lands_whole_in_its_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("built");
        fs::write(&source, "bytes").unwrap();
        let bundle = |name: &str, source: &Path| Bundle {
            command: "./web".to_owned(),
            files: vec![BundleFile { name: name.to_owned(), source: source.to_owned() }],
        };
        let releases = folder.path().join("releases");
        let put = |release: &str, bundle: &Bundle| keep(&releases, "web", release, bundle);
        put("a1", &bundle("assets/site.css", &source)).unwrap();
        put("a1", &bundle("assets/site.css", &folder.path().join("gone"))).expect("it is kept already");
        assert_eq!(fs::read_to_string(releases.join("web/a1/assets/site.css")).unwrap(), "bytes");
        let gone = put("a2", &bundle("web", &folder.path().join("gone"))).unwrap_err();
        assert!(gone.to_string().contains("/gone: "), "{gone}");
        assert!(!releases.join("web/a2").exists());
        for (release, name) in [("..", "web"), ("a/b", "web"), ("", "web"), ("a3", "../web"), ("a3", "/web")]
        {
            assert!(put(release, &bundle(name, &source)).is_err(), "{release} {name}");
        }
    }
}
