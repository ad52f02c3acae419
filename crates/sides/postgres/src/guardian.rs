//! A small detached shell that stops a server when its last user is gone.
//!
//! It waits for a lock that every user holds: the system gives a dead process's locks back, so being killed
//! is no different from an orderly end.

use std::{fs::TryLockError, process::Stdio, time::Duration};

use crate::{ClusterError, command::command, home::Home};

/// Starts a guardian unless one is at work. The caller holds the lock file `users`, and comes here one at a
/// time.
pub(crate) fn watch(home: &Home, users: &str, grace: Duration) -> Result<(), ClusterError> {
    let own = home.lock_file("guardian.lock")?;
    let left = home.folder.join("guardian.left");
    if left.exists() {
        // The last one is done and about to end; only then is its lock free.
        own.lock().map_err(ClusterError::folder("lock", home.folder.join("guardian.lock")))?;
        std::fs::remove_file(&left).map_err(ClusterError::folder("remove", &left))?;
    }
    match own.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => {
            return Err(ClusterError::folder("lock", home.folder.join("guardian.lock"))(error));
        }
    }
    let mut guardian = command("/bin/sh", &home.identity, &home.folder);
    guardian.args(["-c", include_str!("guardian.sh"), "sides-guardian"]);
    guardian.arg(&home.folder).arg(users).arg(grace.as_secs().to_string());
    // Its standard input *is* its lock: an inherited file keeps the lock for as long as it lives.
    guardian.stdin(own).stdout(Stdio::null()).stderr(Stdio::null());
    let child = guardian.spawn().map_err(ClusterError::run("/bin/sh"))?;
    // Nobody waits for it: it outlives this process.
    drop(child);
    Ok(())
}

/// Where the kernel cannot tie a child to its parent, a guardian does.
pub(crate) fn watch_where_needed(home: &Home, owner: &str) -> Result<(), ClusterError> {
    if cfg!(target_os = "linux") {
        return Ok(());
    }
    watch(home, owner, Duration::ZERO)
}
