//! What to start.

use std::{
    ffi::{OsStr, OsString},
    net::{IpAddr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::procfile::Procfile;

/// One process to keep running, and where it will answer.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program, its arguments and its name.
    pub procfile: Procfile,
    /// Its working directory.
    pub folder: PathBuf,
    /// Where programs are looked up, first match first; it becomes the child's PATH.
    pub path: OsString,
    /// Variables beside those inherited. Secrets belong here, never in the arguments.
    pub environment: Vec<(String, OsString)>,
    /// A listening socket that the child inherits and finds by `LISTEN_FD`. It outlives every instance of the
    /// process, so no connection is refused while one dies and the next one starts.
    pub listener: Option<Arc<TcpListener>>,
    /// Where a page must answer too before the process counts as ready.
    pub page: Option<SocketAddr>,
    /// The release that this is, where there are releases.
    pub release: Option<String>,
    /// How many bytes of memory it may take: above that a new instance follows it, well above that it is killed.
    pub memory_limit: Option<u64>,
    /// Where its `/readyz` listens.
    pub ops_host: IpAddr,
    /// The port of `/readyz`, or the next free one after it.
    pub ops_port: u16,
}

impl Launch {
    /// The file that will be executed.
    #[must_use]
    pub fn executable(&self) -> Option<PathBuf> {
        find_program(&self.procfile.program, &self.folder, &self.path)
    }
}

/// The executable file that `program` means: relative to `folder` when it has a `/`, else on `path`.
#[must_use]
pub fn find_program(program: &str, folder: &Path, path: &OsStr) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(folder.join(program)).filter(|file| is_executable(file));
    }
    std::env::split_paths(path)
        .filter(|entry| entry.is_absolute())
        .map(|entry| entry.join(program))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_executable_on_the_path_wins() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("one/web", 0o644), ("two/web", 0o755), ("three/web", 0o755)] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "").unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = std::env::join_paths([at("one"), at("two"), at("three")]).unwrap();
        assert_eq!(find_program("web", folder.path(), &path), Some(at("two/web")));
        assert_eq!(find_program("three/web", folder.path(), &path), Some(at("three/web")));
        assert_eq!(find_program("one/web", folder.path(), &path), None);
        assert_eq!(find_program("worker", folder.path(), &path), None);
    }
}
