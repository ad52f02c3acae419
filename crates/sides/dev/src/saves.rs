//! Saved files, which make `dev` rebuild.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::ModifyKind};
use tokio::{sync::mpsc, time};

/// An editor's save is several events, a branch switch many: they are over when nothing came for this long.
const QUIET: Duration = Duration::from_millis(120);

/// The files of a workspace that are written to, from now on.
pub(super) struct Saves {
    changed: mpsc::UnboundedReceiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl Saves {
    /// Watches everything in the workspace but hidden folders and cargo's own.
    pub(super) fn watch(root: &Path, target_directory: &Path) -> anyhow::Result<Self> {
        let (sender, changed) = mpsc::unbounded_channel();
        let is_source = sources_of(root, target_directory);
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if writes(event.kind) {
                let paths = event.paths.into_iter().filter(|path| is_source(path));
                // Nobody listens any more: dev is ending.
                paths.for_each(|path| drop(sender.send(path)));
            }
        })
        .context("cannot watch for saved files")?;
        let failed = || format!("cannot watch files in {}", root.display());
        watcher.watch(root, RecursiveMode::NonRecursive).with_context(failed)?;
        let is_source = sources_of(root, target_directory);
        for entry in std::fs::read_dir(root).with_context(failed)?.flatten() {
            if entry.path().is_dir() && is_source(&entry.path()) {
                watcher.watch(&entry.path(), RecursiveMode::Recursive).with_context(failed)?;
            }
        }
        Ok(Self { changed, _watcher: watcher })
    }

    /// Waits for a save and the quiet after it; the files that were written.
    pub(super) async fn next(&mut self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        let Some(first) = self.changed.recv().await else { return std::future::pending().await };
        files.insert(first);
        while let Ok(Some(file)) = time::timeout(QUIET, self.changed.recv()).await {
            files.insert(file);
        }
        files
    }
}

fn writes(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        // A changed time or owner is no changed text.
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        _ => false,
    }
}

fn sources_of(root: &Path, target_directory: &Path) -> impl Fn(&Path) -> bool + use<> {
    let (root, target_directory) = (root.to_owned(), target_directory.to_owned());
    move |path: &Path| {
        let Ok(inside) = path.strip_prefix(&root) else { return false };
        let hidden = inside.iter().any(|part| part.to_string_lossy().starts_with('.'));
        let backup = path.to_string_lossy().ends_with('~');
        !hidden && !backup && !path.starts_with(&target_directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_an_editor_and_git_write_for_themselves_is_no_source() {
        let is_source = sources_of(Path::new("/w"), Path::new("/w/target"));
        for source in
            ["/w/Cargo.lock", "/w/crates/web/src/main.rs", "/w/migrations/1/up.sql", "/w/crates/target.rs"]
        {
            assert!(is_source(Path::new(source)), "{source}");
        }
        let others = [
            "/w/target/debug/web",
            "/w/.git/index",
            "/w/.sides/run/x",
            "/w/crates/.main.rs.swp",
            "/w/a.rs~",
            "/v/a.rs",
        ];
        for other in others {
            assert!(!is_source(Path::new(other)), "{other}");
        }
    }
}
