//! Where programs are unpacked for a user who may not install them.

use std::{env, path::PathBuf};

use crate::Need;

/// The user's cache: `$XDG_CACHE_HOME/sides`, else `~/.cache/sides`. `None` for a user without a home.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    Some(cache.or_else(|| Some(set("HOME")?.join(".cache")))?.join("sides"))
}

/// The folder whose programs start what was unpacked.
pub(crate) fn programs(need: Need) -> Option<PathBuf> {
    Some(folder()?.join(need.folder()).join("bin"))
}
