//! Clients that never forgive: every request counts, none is repeated.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
};

/// Asks without a pause until it is told to stop.
pub(crate) struct Prober {
    seen: Arc<Seen>,
    clients: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    good: AtomicU64,
    failures: Mutex<BTreeMap<String, u64>>,
}

impl Prober {
    /// Clients that open a connection for each request, and clients that keep theirs as long as they may.
    pub(crate) fn start(address: SocketAddr, fresh: usize, kept: usize) -> Self {
        let seen = Arc::<Seen>::default();
        let mut clients = JoinSet::new();
        for number in 0..fresh + kept {
            clients.spawn(ask_on(address, number >= fresh, Arc::clone(&seen)));
        }
        Self { seen, clients }
    }

    /// How many good answers there were so far.
    pub(crate) fn good(&self) -> u64 {
        self.seen.good.load(Ordering::Relaxed)
    }

    /// Stops all clients and tells what failed, by reason.
    pub(crate) async fn end(self) -> (u64, BTreeMap<String, u64>) {
        self.seen.stop.store(true, Ordering::Relaxed);
        self.clients.join_all().await;
        (self.seen.good.load(Ordering::Relaxed), self.seen.failures.lock().unwrap().clone())
    }
}

async fn ask_on(address: SocketAddr, keep: bool, seen: Arc<Seen>) {
    let mut connection = None;
    while !seen.stop.load(Ordering::Relaxed) {
        match ask(address, &mut connection, keep).await {
            Ok(()) => drop(seen.good.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                connection = None;
                *seen.failures.lock().unwrap().entry(error.to_string()).or_default() += 1;
            }
        }
    }
}

async fn ask(
    address: SocketAddr,
    connection: &mut Option<BufReader<TcpStream>>,
    keep: bool,
) -> std::io::Result<()> {
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => BufReader::new(TcpStream::connect(address).await?),
    };
    let hint = if keep { "keep-alive" } else { "close" };
    let request = format!("GET /assets/icon.svg HTTP/1.1\r\nHost: web\r\nConnection: {hint}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut length, mut last, mut line) = (0, !keep, String::new());
    stream.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(std::io::Error::other(format!("answered {line:?}")));
    }
    while line.trim() != "" {
        line.clear();
        stream.read_line(&mut line).await?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        last |= lower.starts_with("connection: close");
    }
    stream.read_exact(&mut vec![0; length]).await?;
    *connection = (!last).then_some(stream);
    Ok(())
}
