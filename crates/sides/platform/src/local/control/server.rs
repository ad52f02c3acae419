//! The server side, in the running `dev` or host.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::geteuid;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    ControlError,
    protocol::{Done, Failure, Order, Request, Status},
    socket,
};

/// A client that says nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an order waits for those before it.
const TURN: Duration = Duration::from_secs(60);
/// The longest request in bytes.
const LONGEST: u64 = 64 * 1024;

/// An order, and where its client waits to hear what happened to it.
#[derive(Debug)]
pub struct Task {
    /// What to do.
    pub order: Order,
    /// Anyone who asked may have gone: then nobody hears the answer.
    pub answer: oneshot::Sender<Result<Done, Failure>>,
}

/// Answers clients while it lives; dropping it removes the socket.
#[derive(Debug)]
pub struct Server {
    run_folder: PathBuf,
    accepting: JoinHandle<()>,
}

#[derive(Clone)]
struct Context {
    statuses: watch::Receiver<Status>,
    stop: CancellationToken,
    tasks: Option<mpsc::Sender<Task>>,
}

impl Server {
    /// Listens, inside a tokio runtime; only the holder of the lock may. `stop` is cancelled when a client asks for
    /// the end; `tasks` go to anyone who carries them out.
    ///
    /// # Errors
    /// When there is no place for the socket.
    pub fn start(
        run_folder: &Path,
        statuses: watch::Receiver<Status>,
        stop: CancellationToken,
        tasks: Option<mpsc::Sender<Task>>,
    ) -> Result<Self, ControlError> {
        let listen = || -> io::Result<UnixListener> {
            let path = socket::prepare(run_folder)?;
            let listener = UnixListener::bind(&path)?;
            // The folder keeps everyone else out already; this is for those who only look at the socket.
            std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = listen().map_err(|error| ControlError::File(socket::find(run_folder), error))?;
        let context = Context { statuses, stop, tasks };
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) if is_ours(&stream) => {
                        // A client that goes away in the middle concerns nobody else.
                        let answering = answer(stream, context.clone());
                        tokio::spawn(async move { drop(answering.await) });
                    }
                    Ok(_) => {}
                    // Out of descriptors: others may be closed in a moment.
                    Err(_) => time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(Self { run_folder: run_folder.to_owned(), accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        // The next one removes what stays here.
        drop(socket::remove(&self.run_folder));
    }
}

/// Whether the kernel says that the caller is our own user, or root.
fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw() || peer.uid() == 0)
}

async fn answer(stream: UnixStream, mut context: Context) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST));
    time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let request: Request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let refusal = serde_json::json!({ "error": format!("not a request: {error}") });
            return write.write_all(format!("{refusal}\n").as_bytes()).await;
        }
    };
    if let Request::Order(order) = request {
        let answer = carry_out(order, &context).await;
        let line = serde_json::to_string(&answer)? + "\n";
        return write.write_all(line.as_bytes()).await;
    }
    send(&mut write, &context.statuses).await?;
    match request {
        Request::Status | Request::Order(_) => return Ok(()),
        Request::Stop => context.stop.cancel(),
        Request::Watch => {}
    }
    // The sender goes away with the host itself: that is the end the client waits for.
    while context.statuses.changed().await.is_ok() {
        context.statuses.mark_unchanged();
        send(&mut write, &context.statuses).await?;
    }
    Ok(())
}

async fn carry_out(order: Order, context: &Context) -> Result<Done, Failure> {
    let gone = |_| Failure::Refused("the host is stopping".to_owned());
    let refusal = "dev replaces its processes by itself after each save; only a host takes orders";
    let tasks = context.tasks.as_ref().ok_or_else(|| Failure::Refused(refusal.to_owned()))?;
    let (done, heard) = oneshot::channel();
    let turn = time::timeout(TURN, tasks.reserve()).await.map_err(|_| {
        let busy = context.statuses.borrow().busy_with.clone();
        Failure::Busy(format!("it is still busy: {}", busy.unwrap_or_else(|| "another order".to_owned())))
    })?;
    turn.map_err(|_| ()).map_err(gone)?.send(Task { order, answer: done });
    heard.await.map_err(|_| ()).map_err(gone)?
}

async fn send(
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    statuses: &watch::Receiver<Status>,
) -> io::Result<()> {
    let line = serde_json::to_string(&*statuses.borrow())? + "\n";
    write.write_all(line.as_bytes()).await
}
