//! Starts the server, waits for it, and stops it.

use std::{
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::watch;

use install::Installation;

use crate::{ClusterError, command::command, home::Home, pid_file::PidFile};

const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// The server's command line. Everything that a data folder could be asked for is given here, so that a
/// folder moved to another place or socket keeps working.
pub(crate) fn server(
    home: &Home,
    installation: &Installation,
    options: &[(&str, &str)],
) -> Result<Command, ClusterError> {
    let mut server = command(installation.program("postgres"), &home.identity, &home.folder);
    server.arg("-D").arg(home.data()).arg("-k").arg(&home.socket);
    let fixed = [("listen_addresses", ""), ("port", "5432"), ("unix_socket_permissions", "0700")];
    for (name, value) in fixed.iter().chain(options) {
        server.arg("-c").arg(format!("{name}={value}"));
    }
    let log = home.open_log()?;
    let copy = log.try_clone().map_err(ClusterError::folder("open", home.log()))?;
    server.stdout(log).stderr(copy);
    Ok(server)
}

/// Waits until the server says that it answers.
pub(crate) fn wait_until_ready(
    home: &Home,
    log_start: u64,
    mut ended: impl FnMut() -> bool,
) -> Result<(), ClusterError> {
    let begun = Instant::now();
    loop {
        if ended() {
            return Err(ClusterError::Start { log: home.log(), tail: home.log_tail(log_start) });
        }
        if PidFile::live(&home.data()).is_some_and(|server| server.ready) {
            return Ok(());
        }
        if begun.elapsed() > START_LIMIT {
            let tail = home.log_tail(log_start);
            return Err(ClusterError::Slow { seconds: START_LIMIT.as_secs(), log: home.log(), tail });
        }
        thread::sleep(POLL);
    }
}

/// Ends a server that nobody owns: its owner was killed, and it may be on its way out already.
pub(crate) fn end_orphan(home: &Home) -> Result<(), ClusterError> {
    let begun = Instant::now();
    while let Some(server) = PidFile::live(&home.data()) {
        let waited = begun.elapsed();
        if waited > Duration::from_secs(30) {
            return Err(ClusterError::Orphan { pid: server.pid, data: home.data() });
        }
        signal(server.pid, if waited > Duration::from_secs(15) { Signal::SIGQUIT } else { Signal::SIGINT });
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// One thread that starts the server, waits for its end, and is the parent that the kernel ties it to.
///
/// Dropping it stops the server and waits for that, so that no way out of a program leaves one behind.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// A word on it stops the server.
    stop: mpsc::Sender<()>,
    thread: Option<thread::JoinHandle<()>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Keeper {
    pub(crate) fn start(mut server: Command) -> Result<Self, ClusterError> {
        let (stop, stopped) = mpsc::channel();
        let (end, ended) = watch::channel(None);
        let (report, started) = mpsc::channel();
        let program = server.get_program().to_owned();
        #[cfg(target_os = "linux")]
        crate::command::tie_to_this_thread(&mut server);
        let thread = thread::Builder::new().name("postgres keeper".to_owned()).spawn(move || {
            let child = server.spawn();
            drop(server); // and with it this process's copies of the log
            match child {
                Ok(child) => {
                    if report.send(Ok(())).is_ok() {
                        end.send_replace(keep(child, &stopped));
                    }
                }
                Err(error) => {
                    report.send(Err(error)).ok();
                }
            }
        });
        let thread = thread.map_err(ClusterError::run(&program))?;
        let answer = started.recv().unwrap_or_else(|_| Err(std::io::ErrorKind::BrokenPipe.into()));
        answer.map_err(ClusterError::run(program))?;
        Ok(Self { stop, thread: Some(thread), ended })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some() || self.ended.has_changed().is_err()
    }

    /// Waits for the server's end.
    pub(crate) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        ended.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    pub(crate) fn stop(&self) {
        self.stop.send(()).ok(); // nobody listens when the server has ended already
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been printed already
        }
    }
}

fn keep(mut child: Child, stopped: &mpsc::Receiver<()>) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(ended) => return ended,
            Err(_) => return None,
        }
        match stopped.recv_timeout(Duration::from_millis(200)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => return stop(child),
        }
    }
}

/// Fast shutdown; when that takes too long, the crash-safe immediate one.
fn stop(mut child: Child) -> Option<ExitStatus> {
    let pid = i32::try_from(child.id()).ok()?;
    for (sign, limit) in [(Signal::SIGINT, 20), (Signal::SIGQUIT, 10), (Signal::SIGKILL, 10)] {
        signal(pid, sign);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(limit) {
            match child.try_wait() {
                Ok(None) => thread::sleep(POLL),
                Ok(ended) => return ended,
                Err(_) => return None,
            }
        }
    }
    None
}

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).ok(); // a process that is gone needs no signal
}
