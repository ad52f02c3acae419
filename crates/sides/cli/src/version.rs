//! The version of this program.

use std::{env, path::Path, process::Command, sync::LazyLock};

/// Commit and date, as the build script found them; empty in a debug build and outside of a checkout.
const BUILT_FROM: &str = env!("SIDES_BUILT_FROM");

/// `0.1.0 (8d2e1f0a3b4c, 2026-11-29)`. A debug build is made again and again while its checkout changes, so it says
/// where that stands now; git is asked only when somebody asks for the version.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(compose);
    &TEXT
}

fn compose() -> String {
    let version = env!("CARGO_PKG_VERSION");
    if !BUILT_FROM.is_empty() {
        return format!("{version} ({BUILT_FROM})");
    }
    let is_asked = env::args_os().nth(1).is_some_and(|word| word == "--version" || word == "-V");
    match is_asked.then(|| checkout(Path::new(env!("CARGO_MANIFEST_DIR")))).flatten() {
        Some(checkout) => format!("{version} (debug build; its checkout is at {checkout})"),
        None => version.to_owned(),
    }
}

fn checkout(folder: &Path) -> Option<String> {
    let git = |words: &[&str]| {
        let output = Command::new("git").current_dir(folder).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["log", "-1", "--format=%h, %cs", "--abbrev=12"])?;
    let changed = git(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit}, with changes") })
}
