//! Clients that never forgive: every request counts, and none is repeated.
//!
//! A user's browser hides a refused connection by trying again; whoever wants to know whether a release failed
//! anybody must not.

mod seen;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
pub use seen::Seen;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
    time,
};

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to ask.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whom.
    pub address: SocketAddr,
    /// What, such as `/`. It must be answered with 200.
    pub path: String,
    /// Clients that open a connection for each request.
    pub fresh: usize,
    /// Clients that keep theirs as long as they may.
    pub kept: usize,
    /// How long each client waits between two requests.
    pub pause: Duration,
}

/// One client.
#[async_trait]
pub trait Visitor: Send + 'static {
    /// Asks once. What was not answered well is an error, in words that tell failures of different kinds apart.
    async fn ask(&mut self) -> Result<(), String>;
}

/// After a failure a client waits at least so long: a server that is away is not to be hammered on.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// All that was seen, and what was seen since somebody last looked.
#[derive(Default)]
struct Both {
    all: Seen,
    lap: Seen,
}

/// Asks until it is ended or dropped.
pub struct Prober {
    seen: Arc<Mutex<Both>>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Prober {
    /// Starts all clients, inside a tokio runtime.
    #[must_use]
    pub fn start(plan: &Plan) -> Self {
        let visitor = |number: usize| {
            let keeps = number >= plan.fresh;
            Box::new(OverSocket { plan: plan.clone(), keeps, connection: None }) as Box<dyn Visitor>
        };
        Self::of((0..plan.fresh + plan.kept).map(visitor), plan.pause)
    }

    /// Starts these clients, each of which waits so long between two requests, inside a tokio runtime.
    pub fn of(visitors: impl IntoIterator<Item = Box<dyn Visitor>>, pause: Duration) -> Self {
        let (seen, stop) = (Arc::default(), Arc::default());
        let mut clients = JoinSet::new();
        for visitor in visitors {
            clients.spawn(ask_on(visitor, pause, Arc::clone(&seen), Arc::clone(&stop)));
        }
        Self { seen, stop, clients }
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        lock(&self.seen).all.clone()
    }

    /// What was seen since the last call, or since the start.
    #[must_use]
    pub fn lap(&self) -> Seen {
        std::mem::take(&mut lock(&self.seen).lap)
    }

    /// Lets every client finish its request, and tells what was seen.
    pub async fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.seen()
    }
}

async fn ask_on(
    mut visitor: Box<dyn Visitor>,
    pause: Duration,
    seen: Arc<Mutex<Both>>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let asked = time::timeout(PATIENCE, visitor.ask()).await;
        let failure = asked.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
        let took = begun.elapsed();
        {
            let mut seen = lock(&seen);
            seen.all.count(took, failure.as_deref());
            seen.lap.count(took, failure.as_deref());
        }
        let pause = if failure.is_some() { pause.max(AFTER_FAILURE) } else { pause };
        if !pause.is_zero() {
            time::sleep(pause).await;
        }
    }
}

/// A client that speaks HTTP over a socket by itself, so that nothing is repeated behind its back.
struct OverSocket {
    plan: Plan,
    keeps: bool,
    connection: Option<BufReader<TcpStream>>,
}

#[async_trait]
impl Visitor for OverSocket {
    async fn ask(&mut self) -> Result<(), String> {
        // Taken, so that one that failed, or was given up in the middle, is not used again.
        let kept = self.connection.take().filter(|stream| !has_ended(stream));
        self.connection = ask(&self.plan, kept, self.keeps)
            .await
            .map_err(|error| error.to_string())?
            .filter(|_| self.keeps);
        Ok(())
    }
}

/// Asks, over a new connection when there is none, which is returned if it was not the connection's last answer.
async fn ask(
    plan: &Plan,
    kept: Option<BufReader<TcpStream>>,
    keeps: bool,
) -> io::Result<Option<BufReader<TcpStream>>> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => BufReader::new(TcpStream::connect(plan.address).await?),
    };
    let hint = if keeps { "keep-alive" } else { "close" };
    let (path, host) = (&plan.path, plan.address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {hint}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let last = read_answer(&mut stream).await?;
    Ok((!last).then_some(stream))
}

/// Whether the server said good-bye while nothing was asked: every client looks before it asks again.
fn has_ended(stream: &BufReader<TcpStream>) -> bool {
    let mut byte = [0];
    !matches!(stream.get_ref().try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Reads one answer; whether it is the connection's last.
async fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let (mut length, mut last, mut line) = (0, false, String::new());
    stream.read_line(&mut line).await?;
    if line.is_empty() {
        return Err(io::Error::other("the connection ended without an answer"));
    }
    if line.split(' ').nth(1) != Some("200") {
        return Err(io::Error::other(format!("answered {}", line.trim_end())));
    }
    while !line.trim_end().is_empty() {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("the connection ended in the middle of an answer"));
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        last |= header.starts_with("connection: close");
    }
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(last)
}

fn lock(seen: &Mutex<Both>) -> MutexGuard<'_, Both> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
