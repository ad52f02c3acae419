//! A program of the installation, run as the ordinary user and free of this process's Postgres settings.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::identity::Identity;

/// In a process group of its own, so that a terminal's Ctrl-C reaches only this process, which then stops
/// the server when nobody needs it any more.
pub(crate) fn command(program: impl AsRef<OsStr>, identity: &Identity, folder: &Path) -> Command {
    let mut command = Command::new(program);
    // `PGDATA`, `PGPORT`, `PGOPTIONS` and their like are meant for another server.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    // The caller's folder may be one that the user cannot enter.
    command.env("LC_ALL", "C").env("HOME", folder).current_dir("/").stdin(Stdio::null()).process_group(0);
    if let Some((uid, gid)) = identity.become_it {
        command.uid(uid.as_raw()).gid(gid.as_raw());
    }
    command
}

/// Ends the program, politely, when the *thread* that starts it ends: the kernel counts threads here.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no safe interface reaches between fork and exec")]
pub(crate) fn tie_to_this_thread(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: the closure makes two system calls and allocates nothing, which is all that is allowed there.
    // It runs after the change of user, which would clear the setting.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGINT)?;
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                Err(std::io::ErrorKind::BrokenPipe.into()) // the parent died before the tie was made
            }
        });
    }
}
