//! The status page, as one visitor loads it once a second.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

/// What the visitor saw.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    reads: u32,
    worst: Duration,
    bytes: usize,
}

/// Loads the page of `address` for so long.
pub(crate) async fn read_for(address: String, time: Duration) -> anyhow::Result<Pages> {
    let begun = Instant::now();
    let mut pages = Pages::default();
    while begun.elapsed() < time {
        let asked = Instant::now();
        let mut stream = TcpStream::connect(&address).await?;
        stream
            .write_all(format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "the status page does not answer");
        pages.reads += 1;
        pages.worst = pages.worst.max(asked.elapsed());
        pages.bytes = answer.len();
        sleep(Duration::from_secs(1)).await;
    }
    Ok(pages)
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reads, worst, bytes } = self;
        write!(f, "{reads} reads of {} KiB, worst {:.0} ms", bytes / 1024, worst.as_secs_f64() * 1e3)
    }
}
