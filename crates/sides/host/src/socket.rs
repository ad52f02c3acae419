//! Web's listening socket: from systemd, the predecessor or the keeper, or a new one.

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    os::fd::{OwnedFd, RawFd},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use manifest::Role;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use platform::{
    local::{Orphan, orphans, socket_keeper},
    procfile,
};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;

use super::{Options, succession};
use terminal::Screen;
use terminal::tell;
use workspace::{
    Workspace,
    releases::{Digest, Store},
};

/// The first descriptor that systemd hands over.
const FIRST: RawFd = 3;
/// How often a host looks whether the keeper of its socket lives.
const LOOK: Duration = Duration::from_secs(2);
/// How long a keeper may take to start, or to answer, on a busy machine. Instances without a host serve meanwhile.
const KEEPER_LIMIT: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_millis(50);

/// The socket, and where it came from.
pub(super) struct Socket {
    pub(super) listener: Arc<TcpListener>,
    /// Instances that a predecessor has left listen on this very socket.
    pub(super) is_inherited: bool,
    /// Anyone who started us holds it too, and will hand it to the next host.
    is_systemds: bool,
}

impl Socket {
    /// The one that instances listen on already, if there is one; otherwise a new one.
    pub(super) async fn find(
        workspace: &Workspace,
        store: &Store,
        options: &Options,
        screen: &Screen,
        handed_over: Option<TcpListener>,
        drain_limit: Duration,
    ) -> anyhow::Result<Self> {
        if is_given_by_systemd()? {
            let given = handed_over.or_else(|| succession::listener_of(FIRST));
            let listener = Arc::new(given.context("the socket from systemd is not a listening socket")?);
            return Ok(Self { listener, is_inherited: true, is_systemds: true });
        }
        let kept = match handed_over {
            Some(listener) => Some(listener),
            None => from_keeper(workspace, store, screen).await?,
        };
        if let Some(listener) = kept {
            if is_wanted(&listener, options) {
                return Ok(Self { listener: Arc::new(listener), is_inherited: true, is_systemds: false });
            }
            let text = "the address has changed: instances listening on the old one are replaced";
            screen.line(&tell::notice(screen.palette, text));
            let_keeper_go(workspace);
        }
        let listener = bind(workspace, store, options, screen, drain_limit).await?;
        Ok(Self { listener: Arc::new(listener), is_inherited: false, is_systemds: false })
    }

    /// Has somebody hold it who survives us, until the handle is dropped.
    pub(super) fn keep(&self, workspace: &Workspace) -> Option<AbortOnDropHandle<()>> {
        if self.is_systemds {
            return None;
        }
        let (listener, workspace) = (Arc::clone(&self.listener), workspace.clone());
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let run_folder = workspace.run_folder();
                let kept = tokio::task::spawn_blocking(move || socket_keeper::fetch(&run_folder)).await;
                if matches!(kept, Ok(Ok(None))) {
                    // Without a keeper everything runs; only the death of this host would be noticed by visitors.
                    drop(start_keeper(&workspace, &listener));
                }
                time::sleep(LOOK).await;
            }
        })))
    }
}

/// Ends the keeper, if there is one.
pub(super) fn let_keeper_go(workspace: &Workspace) {
    if let Ok(Some(kept)) = socket_keeper::fetch(&workspace.run_folder()) {
        kept.let_go();
    }
}

/// The socket that a keeper holds; none when there is no keeper. Where instances listen without a host one may be on its way:
/// the host that started it may have died before it was there.
async fn from_keeper(
    workspace: &Workspace,
    store: &Store,
    screen: &Screen,
) -> anyhow::Result<Option<TcpListener>> {
    let (run_folder, deadline) = (workspace.run_folder(), Instant::now() + KEEPER_LIMIT);
    let mut is_told = false;
    loop {
        let kept = socket_keeper::fetch(&run_folder);
        let is_settled = match &kept {
            Ok(Some(_)) => true,
            Ok(None) => !orphans(&run_folder).iter().any(|orphan| listens(orphan, store)),
            Err(_) => false,
        };
        if is_settled || Instant::now() > deadline {
            let kept = kept.context("the keeper of the listening socket does not answer")?;
            return Ok(kept.map(|kept| kept.listener));
        }
        if !std::mem::replace(&mut is_told, true) {
            let text = "instances serve without a host: waiting for the keeper of their socket";
            screen.line(&tell::notice(screen.palette, text));
        }
        time::sleep(BETWEEN).await;
    }
}

/// Whether an instance without a host answers visitors. One that was never released is what Procfiles take it for.
fn listens(orphan: &Orphan, store: &Store) -> bool {
    match orphan.release.as_deref().and_then(Digest::parse) {
        Some(digest) => store.has_role(&orphan.process, &digest, Role::Listens),
        None => orphan.process == procfile::WEB,
    }
}

/// Where a browser on this machine finds web.
pub(super) fn page(listener: &TcpListener) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr().context("the public socket has no address")?;
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        other => other,
    };
    Ok(SocketAddr::new(ip, address.port()))
}

/// By systemd's protocol, when both variables are meant for this process. A build that took over from another has got
/// the socket from that one.
fn is_given_by_systemd() -> anyhow::Result<bool> {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Ok(false);
    }
    match number("LISTEN_FDS") {
        None | Some(0) => Ok(false),
        Some(1) => Ok(true),
        Some(more) => bail!("systemd passed {more} sockets; web can use exactly one ListenStream"),
    }
}

fn is_wanted(listener: &TcpListener, options: &Options) -> bool {
    let is_port = |port| options.port == 0 || port == options.port;
    listener.local_addr().is_ok_and(|address| address.ip() == options.host && is_port(address.port()))
}

/// Where only instances without a host stand in the way, they are ended: nobody could hand their socket on.
async fn bind(
    workspace: &Workspace,
    store: &Store,
    options: &Options,
    screen: &Screen,
    drain_limit: Duration,
) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(options.host, options.port);
    let in_words = || {
        format!("cannot listen on {address}: choose another port with PORT, or stop what is listening there")
    };
    let error = match TcpListener::bind(address) {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let web = || orphans(&workspace.run_folder()).into_iter().filter(|one| listens(one, store));
    if error.kind() != io::ErrorKind::AddrInUse || web().next().is_none() {
        return Err(error).with_context(in_words);
    }
    let text = "instances of web are running without a host, and their socket was not kept: they are stopped \
                first";
    screen.line(&tell::notice(screen.palette, text));
    web().filter(|one| !one.leaves).for_each(|one| send(&one, Signal::SIGTERM));
    let deadline = Instant::now() + drain_limit;
    while web().next().is_some() {
        if Instant::now() > deadline {
            web().for_each(|one| send(&one, Signal::SIGKILL));
        }
        time::sleep(BETWEEN).await;
    }
    TcpListener::bind(address).with_context(in_words)
}

fn send(orphan: &Orphan, signal: Signal) {
    // The only possible failure is that it has ended, which is what was wanted.
    drop(killpg(Pid::from_raw(orphan.pid().cast_signed()), signal).map_err(io::Error::from));
}

fn start_keeper(workspace: &Workspace, listener: &TcpListener) -> io::Result<()> {
    use std::os::unix::process::CommandExt as _;
    let held: OwnedFd = listener.try_clone()?.into();
    let mut command = Command::new(workspace::own_program()?);
    command.arg("keep-socket").arg("--root").arg(workspace.root()).current_dir(workspace.root());
    // The secrets of the environment are none of its business.
    command.env_clear().stdin(Stdio::from(held)).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_socket_is_used_only_for_the_address_that_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let options =
            |host: &str, port| Options { host: host.parse().unwrap(), port, detached: false, bound: false };
        assert!(is_wanted(&listener, &options("127.0.0.1", 0)));
        assert!(is_wanted(&listener, &options("127.0.0.1", port)));
        assert!(!is_wanted(&listener, &options("127.0.0.1", port ^ 1)));
        assert!(!is_wanted(&listener, &options("0.0.0.0", port)));
    }
}
