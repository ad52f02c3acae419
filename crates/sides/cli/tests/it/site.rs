//! A small HTTP server that can die and come back at the same address.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What somebody asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Answers every request with 200 while it lives.
pub(crate) struct Site {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    accepting: Option<JoinHandle<()>>,
}

impl Site {
    pub(crate) async fn open() -> Self {
        let mut site =
            Self { address: ([127, 0, 0, 1], 0).into(), requests: Arc::default(), accepting: None };
        site.come_back().await;
        site
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Connections are refused from now on.
    pub(crate) async fn die(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            assert!(accepting.await.unwrap_err().is_cancelled());
        }
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let requests = Arc::clone(&self.requests);
        self.accepting = Some(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let requests = Arc::clone(&requests);
                tokio::spawn(async move {
                    // A visitor that goes away in the middle is no concern of the test.
                    answer(stream, &requests).await.ok();
                });
            }
        }));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }
}

async fn answer(stream: TcpStream, requests: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? <= 2 {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let mut head = head.into_iter();
    let line = head.next().unwrap_or_default();
    let headers: Vec<(String, String)> = head
        .filter_map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        })
        .collect();
    let mut request = Request { line, headers, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8(body).unwrap();
    requests.lock().unwrap().push(request);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await?;
    stream.shutdown().await
}
