//! The side of the running `dev`.

use std::{fs::Permissions, io, os::unix::fs::PermissionsExt as _, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use super::{
    protocol::{Answer, DevStatus, Request, Roll},
    socket,
};
use crate::workspace::Workspace;

/// A client that says nothing for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a client wants done, and where it waits to hear what became of it.
pub(crate) type Order = (Roll, oneshot::Sender<Result<(), String>>);

/// Answers clients while it lives; dropping it removes the socket.
pub(crate) struct Server {
    workspace: Workspace,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens. `stop` is cancelled when a client asks for the end; `orders` go to whoever carries them out.
    pub(crate) fn start(
        workspace: &Workspace,
        statuses: watch::Receiver<DevStatus>,
        stop: CancellationToken,
        orders: Option<mpsc::Sender<Order>>,
    ) -> anyhow::Result<Self> {
        let path = socket::prepare(workspace).context("cannot make a place for the control socket")?;
        let bound = UnixListener::bind(&path);
        let listener = bound.with_context(|| format!("cannot listen on {}", path.display()))?;
        // The folder keeps everyone else out already; this is for those who only look at the socket.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        // A client that goes away in the middle concerns nobody else.
                        let answering = answer(stream, statuses.clone(), stop.clone(), orders.clone());
                        tokio::spawn(async move { drop(answering.await) });
                    }
                    // Out of descriptors: others may be closed in a moment.
                    Err(_) => time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(Self { workspace: workspace.clone(), accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        // The next dev removes what stays here.
        drop(socket::remove(&self.workspace));
    }
}

async fn answer(
    stream: UnixStream,
    mut statuses: watch::Receiver<DevStatus>,
    stop: CancellationToken,
    orders: Option<mpsc::Sender<Order>>,
) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(1024));
    time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let request: Request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let refusal = serde_json::json!({ "error": format!("not a request: {error}") });
            return write.write_all(format!("{refusal}\n").as_bytes()).await;
        }
    };
    send(&mut write, &statuses).await?;
    match request {
        Request::Status => return Ok(()),
        Request::Roll(roll) => {
            let answer = Answer { error: carry_out(roll, orders).await.err() };
            let line = serde_json::to_string(&answer)? + "\n";
            return write.write_all(line.as_bytes()).await;
        }
        Request::Stop => stop.cancel(),
        Request::Watch => {}
    }
    // The sender goes away with the dev itself: that is the end the client waits for.
    while statuses.changed().await.is_ok() {
        statuses.mark_unchanged();
        send(&mut write, &statuses).await?;
    }
    Ok(())
}

async fn carry_out(roll: Roll, orders: Option<mpsc::Sender<Order>>) -> Result<(), String> {
    let orders = orders.ok_or("a dev replaces its processes by itself, after each save")?;
    let (done, heard) = oneshot::channel();
    let gone = "the host is stopping";
    orders.send((roll, done)).await.map_err(|_| gone)?;
    heard.await.map_err(|_| gone)?
}

async fn send(
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    statuses: &watch::Receiver<DevStatus>,
) -> io::Result<()> {
    let line = serde_json::to_string(&*statuses.borrow())? + "\n";
    write.write_all(line.as_bytes()).await
}
