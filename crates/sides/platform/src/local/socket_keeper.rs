//! A process that does nothing but hold web's listening socket, so that it outlives a host that is killed.
//!
//! The socket is its standard input. Any process of our user that connects to `listener.sock` in the run folder gets a
//! descriptor of it: the next host. It ends when its host tells it to, or when there is neither a host nor an instance left.
//! Under systemd nobody needs it: a socket unit does the same.

use std::{
    fs::{self, File, Permissions},
    io::{self, IoSlice, IoSliceMut},
    net::TcpListener,
    os::{
        fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd},
        unix::{
            fs::PermissionsExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        socket::{
            ControlMessage, ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sendmsg, setsockopt,
            sockopt::{AcceptConn, PeerCredentials, ReceiveTimeout},
        },
        time::{TimeVal, TimeValLike as _},
    },
    unistd::{Pid, geteuid},
};

use super::{control::Lock, orphan::orphans};

const NAME: &str = "listener.sock";
/// After a call that cannot be answered: out of descriptors, perhaps.
const BETWEEN: Duration = Duration::from_millis(100);
/// How often it looks whether it is needed, in seconds.
const LOOK: i64 = 2;
/// How long nobody may need it before it ends.
const UNNEEDED: Duration = Duration::from_secs(30);
/// A keeper that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was got from a keeper.
#[derive(Debug)]
pub struct Kept {
    /// The listening socket.
    pub listener: TcpListener,
    keeper: Pid,
}

impl Kept {
    /// Ends the keeper: the socket then closes with its last holder.
    pub fn let_go(&self) {
        // The only possible failure is that it has ended already.
        let _ended: Result<(), Errno> = kill(self.keeper, Signal::SIGTERM);
    }
}

/// The socket that a keeper of this run folder holds; `None` when there is no keeper.
///
/// # Errors
/// When there is one and it does not answer.
pub fn fetch(run_folder: &Path) -> io::Result<Option<Kept>> {
    let (path, _folder) = short_path(run_folder)?;
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let keeper = Pid::from_raw(getsockopt(&stream, PeerCredentials)?.pid());
    let listener = TcpListener::from(receive(&stream)?);
    Ok(Some(Kept { listener, keeper }))
}

/// Holds the socket on standard input until nobody needs it. The whole life of such a process.
///
/// # Errors
/// When standard input is not a listening socket, or the run folder cannot be used.
pub fn keep(run_folder: &Path) -> io::Result<()> {
    let stdin = io::stdin();
    if !getsockopt(&stdin.as_fd(), AcceptConn).unwrap_or(false) {
        return Err(io::Error::other(
            "standard input is not a listening socket: only a host starts this command",
        ));
    }
    let (path, _folder) = short_path(run_folder)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    setsockopt(&listener, ReceiveTimeout, &TimeVal::seconds(LOOK))?;
    let mut needed = Instant::now();
    while needed.elapsed() < UNNEEDED {
        match listener.accept() {
            // Anyone who went away in the middle asks again.
            Ok((stream, _)) => drop(give(&stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Lock::is_held(run_folder).unwrap_or(true) || !orphans(run_folder).is_empty() {
                    needed = Instant::now();
                }
            }
            Err(_) => thread::sleep(BETWEEN),
        }
    }
    fs::remove_file(&path)
}

fn give(stream: &UnixStream) -> io::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?;
    if peer.uid() != geteuid().as_raw() && peer.uid() != 0 {
        return Ok(());
    }
    let descriptors = [io::stdin().as_raw_fd()];
    let message = [ControlMessage::ScmRights(&descriptors)];
    // A descriptor travels with at least one byte.
    sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(b"s")], &message, MsgFlags::empty(), None)?;
    Ok(())
}

#[expect(unsafe_code, reason = "a descriptor that the kernel has just made for us becomes an owned one")]
fn receive(stream: &UnixStream) -> io::Result<OwnedFd> {
    let (mut byte, mut space) = ([0], nix::cmsg_space!([std::os::fd::RawFd; 1]));
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(stream.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(descriptors) = message
            && let Some(descriptor) = descriptors.first()
        {
            // SAFETY: the kernel has opened this descriptor for this process just now, and nobody else knows it.
            let descriptor = unsafe { OwnedFd::from_raw_fd(*descriptor) };
            if getsockopt(&descriptor, AcceptConn).unwrap_or(false) {
                return Ok(descriptor);
            }
        }
    }
    Err(io::Error::other("the keeper of the listening socket passed no socket"))
}

/// The socket's path by way of an open folder: a Unix socket's path is short, and the workspace's may be long.
fn short_path(run_folder: &Path) -> io::Result<(PathBuf, File)> {
    let folder = File::open(run_folder)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd())), folder))
}
