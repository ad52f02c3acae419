//! The directories of one cluster: its data, socket, log and locks.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{ClusterError, command::command, identity::Identity, installation};

/// A Unix socket's address holds 107 bytes; the server's file name in the folder takes 15 of them.
const LONGEST_SOCKET_FOLDER: usize = 107 - "/.s.PGSQL.5432".len();
const LARGEST_LOG_BYTES: u64 = 8 * 1024 * 1024;

/// Prepared folders, owned by the user that runs the server.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) identity: Identity,
    /// Said to people when the folder is not the one they asked for.
    pub(crate) note: Option<String>,
}

impl Home {
    pub(crate) fn prepare(wanted: &Path) -> Result<Self, ClusterError> {
        // Its package makes the user who shall own these folders.
        installation::require()?;
        let identity = Identity::here()?;
        let wanted = std::path::absolute(wanted).map_err(ClusterError::folder("find", wanted))?;
        let (folder, note) = match claim(&wanted, &identity) {
            Ok(()) => (wanted, None),
            Err(reason) if identity.become_it.is_some() => {
                let other = Path::new("/var/lib/sides").join(digest(&wanted));
                claim(&other, &identity)?;
                let note = format!(
                    "Postgres runs as {}, which cannot use {} ({}); its data is in {}",
                    identity.name,
                    wanted.display(),
                    root_cause(&reason),
                    other.display()
                );
                (other, Some(note))
            }
            Err(reason) => return Err(reason),
        };
        let socket = socket_folder(&folder, &identity)?;
        Ok(Self { folder, socket, identity, note })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Opens a lock file that the server's user may open too.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, ClusterError> {
        let path = self.folder.join(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(ClusterError::folder("open", &path))?;
        self.identity.own(&path, 0o600).map_err(ClusterError::folder("take over", &path))?;
        Ok(file)
    }

    /// Opens the server's log for appending; a large one is put aside first.
    pub(crate) fn open_log(&self) -> Result<File, ClusterError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG_BYTES) {
            fs::rename(&path, path.with_extension("1")).map_err(ClusterError::folder("rename", &path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(ClusterError::folder("open", &path))?;
        self.identity.own(&path, 0o600).map_err(ClusterError::folder("take over", &path))?;
        Ok(file)
    }

    /// The last lines of the log that were written after `start` bytes.
    pub(crate) fn log_tail(&self, start: u64) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(self.log())?;
            let end = file.metadata()?.len();
            file.seek(io::SeekFrom::Start(start.max(end.saturating_sub(4096))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(last_lines(&String::from_utf8_lossy(&bytes)))
        };
        read().unwrap_or_else(|error| format!("(cannot read the log: {error})"))
    }
}

pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Makes the folder and gives it to the user, who must really be able to work in it.
fn claim(folder: &Path, identity: &Identity) -> Result<(), ClusterError> {
    fs::create_dir_all(folder).map_err(ClusterError::folder("create", folder))?;
    identity.own(folder, 0o700).map_err(ClusterError::folder("take over", folder))?;
    // Asked of the system rather than computed: mode bits, ACLs and mounts all have a say.
    let status = command("/bin/sh", identity, folder)
        .args(["-c", "cd \"$1\" && : > .probe.$$ && rm .probe.$$", "probe"])
        .arg(folder)
        .stderr(std::process::Stdio::null())
        .status()
        .map_err(ClusterError::run("/bin/sh"))?;
    if status.success() {
        return Ok(());
    }
    let denied =
        io::Error::new(io::ErrorKind::PermissionDenied, format!("{} cannot access it", identity.name));
    Err(ClusterError::folder("use", folder)(denied))
}

fn socket_folder(folder: &Path, identity: &Identity) -> Result<PathBuf, ClusterError> {
    let inside = folder.join("socket");
    let socket = if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
        inside
    } else {
        PathBuf::from(format!("/tmp/sides-{}-{}", identity.uid, digest(folder)))
    };
    if fs::symlink_metadata(&socket).is_err() {
        // Made by its user, so that whoever looks meanwhile never finds it root's.
        let status = command("/bin/sh", identity, folder)
            .args(["-c", "umask 077 && mkdir -p \"$1\"", "mkdir"])
            .arg(&socket)
            .stderr(std::process::Stdio::null())
            .status()
            .map_err(ClusterError::run("/bin/sh"))?;
        if !status.success() {
            let denied = io::Error::other(format!("{} cannot create it", identity.name));
            return Err(ClusterError::folder("create", &socket)(denied));
        }
    }
    // In a shared place like /tmp, somebody else may have been first.
    let found = fs::symlink_metadata(&socket).map_err(ClusterError::folder("read", &socket))?;
    if !found.is_dir() || found.uid() != identity.uid.as_raw() || found.mode() & 0o077 != 0 {
        return Err(ClusterError::Untrusted { path: socket, user: identity.name.clone() });
    }
    Ok(socket)
}

fn digest(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..8])
}

fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn openers_at_once_all_trust_the_socket_folder_that_one_of_them_made() {
        for _ in 0..20 {
            let project = tempfile::tempdir().unwrap();
            let folder = project.path();
            let identity = Identity::here().unwrap();
            claim(folder, &identity).unwrap();
            let together = Barrier::new(8);
            thread::scope(|scope| {
                let open = || {
                    together.wait();
                    socket_folder(folder, &identity)
                };
                let openers: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                for opener in openers {
                    opener.join().unwrap().unwrap();
                }
            });
        }
    }
}
