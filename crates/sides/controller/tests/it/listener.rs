//! Somebody outside who is told things over HTTP.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Answers 200 and remembers every request. Ends with the test's runtime.
pub(crate) struct Listener {
    pub(crate) url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/told", listener.local_addr().expect("it is bound"));
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let all = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let all = all.clone();
                tokio::spawn(async move {
                    if let Ok(request) = hear(stream).await {
                        all.lock().expect("no test panics within").push(request);
                    }
                });
            }
        });
        Self { url, heard }
    }

    /// Each request with its head and body.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no test panics within").clone()
    }
}

async fn hear(mut stream: TcpStream) -> std::io::Result<String> {
    let mut request = String::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        request.push_str(&String::from_utf8_lossy(&part[..count]));
        if count == 0 || is_whole(&request) {
            break;
        }
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
    Ok(request)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}
