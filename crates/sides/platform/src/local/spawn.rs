//! A child that cannot outlive its supervisor, or one that does.
//!
//! The kernel kills a bound child when the *thread* that started it ends, so all children are started by one thread
//! that lives as long as the supervisor. The kill is SIGKILL: a child that does not listen any more must not
//! stay either.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, mpsc},
    thread,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{Signal, killpg},
    unistd::{Pid, getpid, getppid, setsid},
};
use tokio::{
    process::{Child, Command},
    sync::oneshot,
};

type Order = (Command, oneshot::Sender<io::Result<Child>>);

/// The thread that starts children. Dropping it kills those that still run.
pub(super) struct Spawner {
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    /// Must be called inside a tokio runtime, which reaps the children.
    pub(super) fn start() -> io::Result<Self> {
        let (orders, received) = mpsc::channel::<Order>();
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let _inside = runtime.enter();
            for (mut command, answer) in received {
                // Nobody waits any more: the child is dropped, which kills it.
                drop(answer.send(command.spawn()));
            }
        })?;
        Ok(Self { orders })
    }

    pub(super) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the spawner thread is gone");
        self.orders.send((command, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Puts the child into a process group of its own, binds its life to the thread that starts it, and hands it
/// the listener.
#[expect(unsafe_code, reason = "only a hook between fork and exec can set these for the child alone")]
pub fn bind_to_supervisor(command: &mut Command, listener: Option<Arc<TcpListener>>) {
    command.process_group(0).kill_on_drop(true);
    let supervisor = getpid();
    let hook = move || {
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The supervisor may have died before the line above took hold.
        if getppid() != supervisor {
            return Err(Errno::ESRCH.into());
        }
        if let Some(listener) = &listener {
            // Cleared here and not in the supervisor, or every other child would inherit the socket too.
            fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(())
    };
    // SAFETY: the hook only makes system calls that are async-signal-safe; it neither allocates nor locks.
    unsafe { command.pre_exec(hook) };
}

/// Puts the child into a process group of its own, to live on whatever becomes of its supervisor, and hands it the
/// listener.
#[expect(unsafe_code, reason = "only a hook between fork and exec can set this for the child alone")]
pub(super) fn set_free(command: &mut Command, listener: Option<Arc<TcpListener>>) {
    command.process_group(0).kill_on_drop(false);
    let hook = move || {
        if let Some(listener) = &listener {
            // Cleared here and not in the supervisor, or every other child would inherit the socket too.
            fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        Ok(())
    };
    // SAFETY: the hook only makes a system call that is async-signal-safe; it neither allocates nor locks.
    unsafe { command.pre_exec(hook) };
}

/// Puts the child into a session of its own: no terminal ends it.
#[expect(unsafe_code, reason = "only a hook between fork and exec can set this for the child alone")]
pub fn leave_the_terminal(command: &mut std::process::Command) {
    let hook = || {
        setsid()?;
        Ok(())
    };
    // SAFETY: the hook only makes a system call that is async-signal-safe; it neither allocates nor locks.
    unsafe { std::os::unix::process::CommandExt::pre_exec(command, hook) };
}

/// All processes of a child: itself and what it started.
#[derive(Debug, Clone, Copy)]
pub struct Group(Pid);

impl Group {
    /// The group that a child started by [`bind_to_supervisor`] leads; `None` once it was awaited.
    #[must_use]
    pub fn led_by(child: &Child) -> Option<Self> {
        let pid = i32::try_from(child.id()?).ok()?;
        Some(Self(Pid::from_raw(pid)))
    }

    /// The group that an adopted process leads.
    pub(super) fn of(pid: u32) -> Self {
        Self(Pid::from_raw(pid.cast_signed()))
    }

    /// Asks all of it to end.
    pub fn terminate(self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends all of it.
    pub fn kill(self) {
        self.signal(Signal::SIGKILL);
    }

    /// Sends all of it a signal.
    pub fn signal(self, signal: Signal) {
        // The only possible failure is that the whole group has ended, which is what was wanted.
        let _ended: Result<(), Errno> = killpg(self.0, signal);
    }
}
