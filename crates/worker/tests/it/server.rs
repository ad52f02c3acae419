//! Local servers that behave as told, also badly.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// What a server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A whole answer: the status line without its version, and the body.
    Answer(&'static str, String),
    /// These bytes, and then the end.
    Raw(&'static str),
    /// A good answer with these headers and bytes.
    Bytes(String, Vec<u8>),
    /// These bytes, then silence on an open connection.
    ThenSilence(&'static str),
    /// An answer whose body never ends.
    Endless,
    /// An answer whose headers never end.
    EndlessHead,
    /// An answer that comes a byte at a time, and never ends.
    Drip,
    /// A redirect.
    To(String),
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::Answer("200 OK", "all is well".to_owned())
    }
}

type Log = Arc<Mutex<Vec<Request>>>;

/// A server that remembers what it was asked.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Log,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(behave: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0", behave).await
    }

    pub(crate) async fn start_at(
        address: &str,
        behave: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a loopback port is free");
        let address = listener.local_addr().unwrap();
        let requests = Log::default();
        let (log, behave) = (Arc::clone(&requests), Arc::new(behave));
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&log), Arc::clone(&behave)));
            }
        });
        Self { address, requests, task }
    }

    /// Answers everything with this.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.requests().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address where nothing listens.
pub(crate) async fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Serves one connection. A client that goes away ends it.
pub(crate) async fn serve(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    log: Log,
    behave: Arc<impl Fn(&Request) -> Reply>,
) {
    let Some(request) = read(&mut connection).await else { return };
    let reply = behave(&request);
    log.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    let (bytes, silence) = match reply {
        Reply::Bytes(headers, body) => {
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
            connection.write_all(&[head.as_bytes(), &body].concat()).await.ok();
            connection.shutdown().await.ok();
            return;
        }
        Reply::Answer(status, body) => (
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()),
            false,
        ),
        Reply::To(place) => (
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            false,
        ),
        Reply::Raw(bytes) => (bytes.to_owned(), false),
        Reply::ThenSilence(bytes) => (bytes.to_owned(), true),
        Reply::Endless => return endless(&mut connection, CHUNKED, &chunk()).await,
        Reply::EndlessHead => return endless(&mut connection, "HTTP/1.1 200 OK\r\n", &headers()).await,
        Reply::Drip => return drip(&mut connection).await,
    };
    if connection.write_all(bytes.as_bytes()).await.is_ok() && silence {
        // Until the client gives up.
        let mut rest = [0; 64];
        while matches!(connection.read(&mut rest).await, Ok(read) if read > 0) {}
    }
    connection.shutdown().await.ok();
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk() -> String {
    format!("10000\r\n{}\r\n", "no end in sight ".repeat(4096))
}

fn headers() -> String {
    "X-More: no end in sight\r\n".repeat(1000)
}

async fn endless(connection: &mut (impl AsyncWrite + Unpin), first: &str, again: &str) {
    let mut bytes = first;
    while connection.write_all(bytes.as_bytes()).await.is_ok() {
        bytes = again;
    }
}

async fn drip(connection: &mut (impl AsyncWrite + Unpin)) {
    let mut bytes = CHUNKED;
    while connection.write_all(bytes.as_bytes()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        bytes = "1\r\n.\r\n";
    }
}

async fn read(connection: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        fill(connection, &mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, path, head, body: String::new() };
    let length = request.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + length {
        fill(connection, &mut bytes).await?;
    }
    request.body = String::from_utf8_lossy(&bytes[head_end..]).into_owned();
    Some(request)
}

async fn fill(connection: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Option<()> {
    let read = tokio::time::timeout(Duration::from_secs(20), connection.read_buf(bytes)).await;
    matches!(read, Ok(Ok(count)) if count > 0).then_some(())
}
