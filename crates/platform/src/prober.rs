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
        let (seen, stop) = (Arc::default(), Arc::default());
        let mut clients = JoinSet::new();
        for number in 0..plan.fresh + plan.kept {
            let keeps = number >= plan.fresh;
            clients.spawn(ask_on(plan.clone(), keeps, Arc::clone(&seen), Arc::clone(&stop)));
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

async fn ask_on(plan: Plan, keeps: bool, seen: Arc<Mutex<Both>>, stop: Arc<AtomicBool>) {
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let asked = time::timeout(PATIENCE, ask(&plan, &mut connection, keeps)).await;
        let asked = asked.unwrap_or_else(|_| Err(io::Error::other("no answer in time")));
        let (took, failure) = (begun.elapsed(), asked.err().map(|error| error.to_string()));
        {
            let mut seen = lock(&seen);
            seen.all.count(took, failure.as_deref());
            seen.lap.count(took, failure.as_deref());
        }
        let mut pause = plan.pause;
        if failure.is_some() {
            connection = None;
            pause = pause.max(AFTER_FAILURE);
        }
        if !pause.is_zero() {
            time::sleep(pause).await;
        }
    }
}

async fn ask(plan: &Plan, connection: &mut Option<BufReader<TcpStream>>, keeps: bool) -> io::Result<()> {
    let mut stream = match connection.take().filter(|stream| !has_ended(stream)) {
        Some(stream) => stream,
        None => BufReader::new(TcpStream::connect(plan.address).await?),
    };
    let hint = if keeps { "keep-alive" } else { "close" };
    let (path, host) = (&plan.path, plan.address);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {hint}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let last = read_answer(&mut stream).await?;
    *connection = (keeps && !last).then_some(stream);
    Ok(())
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
