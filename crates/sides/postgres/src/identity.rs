//! The user that the server runs as, since Postgres refuses root.

use std::{fs::Permissions, io, os::unix::fs::PermissionsExt as _, path::Path};

use nix::unistd::{Gid, Uid, User, chown, geteuid};

use crate::ClusterError;

/// The user that owns the files and runs the programs.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    /// Set when programs must change to this user first.
    pub(crate) become_it: Option<(Uid, Gid)>,
}

impl Identity {
    /// This process's own user; for root the user `postgres`, else `nobody`.
    pub(crate) fn here() -> Result<Self, ClusterError> {
        let uid = geteuid();
        if !uid.is_root() {
            let name = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
            return Ok(Self { name, uid, become_it: None });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Self { name: user.name, uid: user.uid, become_it: Some((user.uid, user.gid)) })
            .ok_or(ClusterError::NoOrdinaryUser)
    }

    /// Makes `path` this user's, and closed to everyone else but root.
    pub(crate) fn own(&self, path: &Path, mode: u32) -> io::Result<()> {
        if let Some((uid, gid)) = self.become_it {
            chown(path, Some(uid), Some(gid))?;
        }
        std::fs::set_permissions(path, Permissions::from_mode(mode))
    }
}
