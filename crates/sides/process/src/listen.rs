//! Listening sockets: bound here, or inherited from a supervisor that keeps them across restarts.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    os::fd::{FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::socket::{getsockopt, sockopt::AcceptConn},
};

use crate::Environment;

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error(
        "cannot listen on {address}: choose another port with {variable}, or stop what is listening there"
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// The variable that names the port.
        variable: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `LISTEN_FD` is not a descriptor's number.
    #[error("LISTEN_FD {0}")]
    Number(String),
    /// `LISTEN_FD` names something else than a listening socket.
    #[error("LISTEN_FD={0} is not a listening TCP socket: unset it, or let the supervisor pass one")]
    NotListening(RawFd),
    /// The inherited socket was taken before.
    #[error("LISTEN_FD={0} is already taken: a process has one public address")]
    Taken(RawFd),
    /// The socket cannot be set up.
    #[error("cannot set up the listening socket")]
    Setup(#[source] io::Error),
}

/// The socket for the public address: the inherited one when `LISTEN_FD` is set, otherwise a new one.
///
/// An inherited socket is shared with the supervisor and with other instances of this process. It is made
/// non-blocking here, and nobody may undo that: the flag belongs to the socket, not to the descriptor.
///
/// # Errors
/// When the address is taken, or `LISTEN_FD` is not a listening socket.
pub fn public(host: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    let mut environment = Environment::of_this_process();
    let inherited = inherited_number(&mut environment).map_err(ListenError::Number)?;
    let listener = match inherited {
        Some(number) => inherit(number)?,
        None => bind(SocketAddr::new(host, port), "PORT")?,
    };
    listener.set_nonblocking(true).map_err(ListenError::Setup)?;
    if let (Some(number), Ok(address)) = (inherited, listener.local_addr()) {
        tracing::info!(listen.fd = number, "listening on the inherited socket {address}");
    }
    Ok(listener)
}

/// `LISTEN_FD` as a number; 0, 1 and 2 are the standard streams.
pub(crate) fn inherited_number(environment: &mut Environment) -> Result<Option<RawFd>, String> {
    let Some(text) = environment.optional("LISTEN_FD") else { return Ok(None) };
    match text.parse() {
        Ok(number) if number > 2 => Ok(Some(number)),
        _ => Err(format!("is {text:?}: give the number of an inherited descriptor, 3 or above")),
    }
}

/// The port of the ops server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpsPort {
    /// When it is free, otherwise any free one.
    Preferred(u16),
    /// Nothing else: asked for by number.
    Required(u16),
}

/// The ops server's socket.
pub(crate) fn ops(host: IpAddr, port: OpsPort) -> Result<TcpListener, ListenError> {
    let bind = |port| bind(SocketAddr::new(host, port), "OPS_PORT");
    match port {
        OpsPort::Required(port) => bind(port),
        OpsPort::Preferred(port) => bind(port).or_else(|error| {
            let ListenError::Bind { source, .. } = &error else { return Err(error) };
            if source.kind() != io::ErrorKind::AddrInUse {
                return Err(error);
            }
            let other = bind(0)?;
            let address = other.local_addr().map_err(ListenError::Setup)?;
            tracing::info!(ops.address = %address, "port {port} is in use; the ops server uses {}", address.port());
            Ok(other)
        }),
    }
}

fn bind(address: SocketAddr, variable: &'static str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).map_err(|source| ListenError::Bind { address, variable, source })
}

fn inherit(number: RawFd) -> Result<TcpListener, ListenError> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Err(ListenError::Taken(number));
    }
    let descriptor = own(number).ok_or(ListenError::NotListening(number))?;
    if !getsockopt(&descriptor, AcceptConn).unwrap_or(false) {
        // It belongs to somebody else in this process, so it must stay open.
        let number = descriptor.into_raw_fd();
        return Err(ListenError::NotListening(number));
    }
    // Children of this process have no business with it.
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|errno| ListenError::Setup(errno.into()))?;
    let listener = TcpListener::from(descriptor);
    listener.local_addr().map_err(|_| ListenError::NotListening(number))?;
    Ok(listener)
}

#[expect(unsafe_code, reason = "a descriptor's number from the environment becomes an owned descriptor")]
fn own(number: RawFd) -> Option<OwnedFd> {
    // The link exists exactly while the descriptor is open.
    std::fs::symlink_metadata(format!("/dev/fd/{number}")).ok()?;
    // SAFETY: the descriptor is open, and LISTEN_FD hands it to this process for this purpose. `inherit`
    // comes here once, so that nobody else in the process owns it.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_busy_ops_port_is_refused_when_asked_for_and_replaced_when_not() {
        let busy = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let port = busy.local_addr().unwrap().port();
        let error = ops(LOOPBACK, OpsPort::Required(port)).unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("OPS_PORT"), "{error}");
        let other = ops(LOOPBACK, OpsPort::Preferred(port)).unwrap();
        assert_ne!(other.local_addr().unwrap().port(), port);
    }
}
