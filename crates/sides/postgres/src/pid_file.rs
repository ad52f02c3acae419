//! `postmaster.pid`: whether the server runs and accepts connections, in its own words.

use std::{fs, io, path::Path};

use nix::unistd::Pid;

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) ready: bool,
}

impl PidFile {
    pub(crate) fn read(data: &Path) -> Option<Self> {
        parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// The server that runs on this data, if one does: a pid alone may long belong to another program.
    pub(crate) fn live(data: &Path) -> Option<Self> {
        Self::read(data).filter(|file| is_server(file.pid, data))
    }
}

/// Makes a stale file harmless when its pid now belongs to another program, which makes Postgres refuse.
///
/// The server ignores its parent's pid but still checks the file's shared memory, so this keeps the guard
/// against sessions that outlived a killed server.
pub(crate) fn disarm_stale(data: &Path) -> io::Result<()> {
    let path = data.join("postmaster.pid");
    let Some(stale) = PidFile::read(data) else { return Ok(()) };
    if nix::sys::signal::kill(Pid::from_raw(stale.pid), None).is_err() || is_server(stale.pid, data) {
        return Ok(());
    }
    let text = fs::read_to_string(&path)?;
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    fs::write(&path, format!("{}\n{rest}", std::process::id()))
}

fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok().filter(|&pid| pid > 0)?;
    // A standby that answers says so in a word of its own.
    let ready = lines.nth(6).is_some_and(|status| matches!(status.trim(), "ready" | "standby"));
    Some(PidFile { pid, ready })
}

/// The server's working folder is its data folder.
#[cfg(target_os = "linux")]
fn is_server(pid: i32, data: &Path) -> bool {
    let working = fs::read_link(format!("/proc/{pid}/cwd"));
    matches!((working, fs::canonicalize(data)), (Ok(working), Ok(data)) if working == data)
}

#[cfg(not(target_os = "linux"))]
fn is_server(pid: i32, data: &Path) -> bool {
    let output = std::process::Command::new("ps").args(["-p", &pid.to_string(), "-o", "command="]).output();
    output.is_ok_and(|output| {
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        shown.contains("postgres") && shown.contains(&*data.to_string_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_as_the_server_writes_it() {
        let text = |status| format!("4711\n/data\n1700000000\n5432\n/sock\n\n  5 6\n{status}\n");
        assert_eq!(parse(&text("ready   ")), Some(PidFile { pid: 4711, ready: true }));
        assert_eq!(parse(&text("standby ")), Some(PidFile { pid: 4711, ready: true }));
        assert_eq!(parse(&text("starting")), Some(PidFile { pid: 4711, ready: false }));
        assert_eq!(parse("4711\n"), Some(PidFile { pid: 4711, ready: false }));
        for broken in ["", "\n", "-5\n", "no\n"] {
            assert_eq!(parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn another_programs_pid_is_no_server() {
        let data = tempfile::tempdir().unwrap();
        let mine = std::process::id();
        let file = data.path().join("postmaster.pid");
        // It lives, and is not this folder's server. One of our own, as an ordinary user may not ask after another's.
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        fs::write(&file, format!("{}\n/data\n1\n5432\n/s\n\n 5 6\nready\n", other.id())).unwrap();
        assert_eq!(PidFile::live(data.path()), None);
        disarm_stale(data.path()).unwrap();
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            format!("{mine}\n/data\n1\n5432\n/s\n\n 5 6\nready\n")
        );
    }
}
