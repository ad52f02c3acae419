//! Where the socket lies.
//!
//! A Unix socket's path is short (about 100 bytes). In a deeper workspace the socket lies in a private
//! temporary folder, and a file in the run folder says where.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nix::unistd::mkdtemp;

use crate::local::private::write_private;

/// The shortest limit among the systems this runs on.
const LONGEST_PATH: usize = 103;
const NAME: &str = "dev.sock";

/// Where clients find the socket.
pub(super) fn find(run_folder: &Path) -> PathBuf {
    match fs::read_to_string(elsewhere_file(run_folder)) {
        Ok(folder) => Path::new(folder.trim_end()).join(NAME),
        Err(_) => run_folder.join(NAME),
    }
}

/// A place for a new socket, free of what a killed `dev` left. Only the holder of the lock may call this.
pub(super) fn prepare(run_folder: &Path) -> io::Result<PathBuf> {
    remove(run_folder)?;
    let here = run_folder.join(NAME);
    if here.as_os_str().len() <= LONGEST_PATH {
        return Ok(here);
    }
    // Made by us just now with mode 0700: nobody else can have put anything into it.
    let folder = mkdtemp(&std::env::temp_dir().join("sides-XXXXXX"))?;
    write_private(&elsewhere_file(run_folder), &folder.display().to_string())?;
    Ok(folder.join(NAME))
}

/// Removes the socket, and the folder made for it.
pub(super) fn remove(run_folder: &Path) -> io::Result<()> {
    let socket = find(run_folder);
    remove_if_there(fs::remove_file(&socket))?;
    if socket.parent() != Some(run_folder) {
        if let Some(folder) = socket.parent() {
            remove_if_there(fs::remove_dir(folder))?;
        }
        remove_if_there(fs::remove_file(elsewhere_file(run_folder)))?;
    }
    Ok(())
}

fn elsewhere_file(run_folder: &Path) -> PathBuf {
    run_folder.join("socket_folder")
}

fn remove_if_there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_workspace_gets_a_short_path_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(100));
        fs::create_dir(&deep).unwrap();
        let socket = prepare(&deep).unwrap();
        assert!(socket.as_os_str().len() <= LONGEST_PATH, "{}", socket.display());
        assert_eq!(find(&deep), socket);
        std::os::unix::net::UnixListener::bind(&socket).unwrap();
        remove(&deep).unwrap();
        assert!(!socket.parent().unwrap().exists());
        assert_eq!(find(&deep), deep.join(NAME));
    }
}
