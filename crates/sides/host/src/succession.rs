//! How one build of the host takes the place of another: in the same process, with the lock and web's socket in its
//! hands. What runs is not touched, and the new build adopts it as after a death.

use std::{
    env,
    fs::File,
    io,
    net::TcpListener,
    os::{
        fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::{fs::MetadataExt as _, process::CommandExt as _},
    },
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::socket::{getsockopt, sockopt::AcceptConn},
};
use platform::local::{Orphan, control::HANDOVER_VARIABLE};

use workspace::{Workspace, control::Lock};

/// What goes from one build to the next.
pub(super) struct Handover {
    pub(super) lock: Lock,
    pub(super) listener: Arc<TcpListener>,
}

/// What the build before this one has left; `None` when this is a host's first.
pub(super) fn of_predecessor(workspace: &Workspace) -> Option<(Lock, TcpListener)> {
    let text = env::var(HANDOVER_VARIABLE).ok()?;
    let (lock, listener) = text.split_once(',')?;
    let lock = File::from(own(lock.parse().ok()?)?);
    let here = Lock::path(&workspace.run_folder()).metadata().ok()?;
    let listener = listener_of(listener.parse().ok()?)?;
    let is_it = lock.metadata().is_ok_and(|file| (file.dev(), file.ino()) == (here.dev(), here.ino()));
    is_it.then(|| (Lock::inherited(lock), listener))
}

/// A descriptor that somebody opened for this process, as a listening socket.
pub(super) fn listener_of(number: RawFd) -> Option<TcpListener> {
    let descriptor = own(number)?;
    getsockopt(&descriptor, AcceptConn).unwrap_or(false).then(|| TcpListener::from(descriptor))
}

impl Handover {
    /// Becomes `program`. Returns only when that is not possible: then nothing has changed.
    pub(super) fn to(&self, program: &Path) -> anyhow::Error {
        match self.try_to(program) {
            Ok(never) => match never {},
            Err(error) => error.context(format!("{} cannot take over", program.display())),
        }
    }

    fn try_to(&self, program: &Path) -> anyhow::Result<std::convert::Infallible> {
        let tried = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        let tried = tried.context("it cannot be executed")?;
        if !tried.status.success() || !tried.stdout.starts_with(b"sides ") {
            bail!("it is not a `sides` that runs here: --version {}", tried.status);
        }
        let (lock, listener) = (self.lock.file(), self.listener.as_ref());
        let numbers = format!("{},{}", lock.as_raw_fd(), listener.as_raw_fd());
        for_next(lock, FdFlag::empty()).and_then(|()| for_next(listener, FdFlag::empty()))?;
        let mut command = Command::new(program);
        command.args(env::args_os().skip(1)).env(HANDOVER_VARIABLE, numbers);
        let error = command.exec();
        // Still here: children have no business with them.
        for_next(lock, FdFlag::FD_CLOEXEC).and_then(|()| for_next(listener, FdFlag::FD_CLOEXEC))?;
        Err(error.into())
    }
}

/// What happens to the instances that a predecessor has left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) stay: Vec<Orphan>,
    pub(super) leave: Vec<Orphan>,
    /// Whether some of those that stay are of another release: they serve until the right one has followed them.
    pub(super) is_mixed: bool,
}

/// Those of the release that should run stay, the oldest first: they were serving when the predecessor died. Where they
/// are too few, others stay for now: whoever serves is only let go when its successor does. Those that were asked to
/// leave already are on their way.
pub(super) fn choose(orphans: Vec<Orphan>, release: &str, count: usize) -> Choice {
    let (mut leave, mut stay): (Vec<_>, Vec<_>) = orphans.into_iter().partition(|one| one.leaves);
    stay.sort_by_key(|one| (one.release.as_deref() != Some(release), one.instance));
    leave.extend(stay.split_off(count.min(stay.len())));
    let is_mixed = stay.iter().any(|one| one.release.as_deref() != Some(release));
    Choice { stay, leave, is_mixed }
}

fn for_next(descriptor: impl AsFd, flag: FdFlag) -> io::Result<()> {
    fcntl(descriptor, FcntlArg::F_SETFD(flag)).map(drop).map_err(io::Error::from)
}

#[expect(unsafe_code, reason = "a descriptor's number from the environment becomes an owned descriptor")]
fn own(number: RawFd) -> Option<OwnedFd> {
    // The link exists exactly while the descriptor is open; 0, 1 and 2 are the standard streams.
    std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).ok().filter(|_| number > 2)?;
    // SAFETY: the descriptor is open, and whoever wrote the variable left it open for this process.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    for_next(&descriptor, FdFlag::FD_CLOEXEC).ok()?;
    Some(descriptor)
}
