//! A proxy between visitors and a good web, which passes requests on until it is time to fail.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    time,
};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;

/// How much longer an answer of a slow build takes.
const DELAY: Duration = Duration::from_millis(1500);
/// The reason in the status line, by which its failures are told from others.
pub(super) const REASON: &str = "Drill";
/// How long answers that are on their way are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_millis(10);

/// When a stand-in goes wrong: once this file is there.
#[derive(Debug, Clone)]
pub(super) struct Moment(pub(super) PathBuf);

impl Moment {
    pub(super) fn has_come(&self) -> bool {
        self.file().exists()
    }

    fn file(&self) -> &Path {
        &self.0
    }

    pub(super) async fn come(&self) {
        while !self.has_come() {
            time::sleep(BETWEEN).await;
        }
    }
}

/// The way to a good web behind it.
#[derive(Debug, Clone)]
pub(super) struct Relay {
    pub(super) good: SocketAddr,
    pub(super) fault: Fault,
    pub(super) moment: Moment,
    /// As the answers name it.
    pub(super) release: String,
    /// Requests without an answer.
    pub(super) unanswered: Arc<AtomicUsize>,
}

impl Relay {
    /// Accepts until it is stopped; whom it accepted is served to the end.
    pub(super) async fn serve(self, public: TcpListener, stop: CancellationToken) {
        loop {
            tokio::select! {
                accepted = public.accept() => match accepted {
                    Ok((visitor, _)) => {
                        let relay = self.clone();
                        // A visitor who goes away ends only its own connection.
                        tokio::spawn(async move { drop(relay.pass_on(visitor).await) });
                    }
                    Err(_) => time::sleep(BETWEEN).await,
                },
                () = stop.cancelled() => return,
            }
        }
    }

    /// Waits for the answers that are on their way.
    pub(super) async fn settle(&self) {
        let begun = Instant::now();
        while self.unanswered.load(SeqCst) > 0 && begun.elapsed() < LAST_ANSWERS {
            time::sleep(BETWEEN).await;
        }
    }

    async fn pass_on(&self, mut visitor: TcpStream) -> io::Result<()> {
        let mut waiting = Waiting::new(&self.unanswered);
        waiting.begin();
        let mut good = TcpStream::connect(self.good).await?;
        visitor.set_nodelay(true)?;
        good.set_nodelay(true)?;
        let (mut asked, mut answered) = (vec![0; 16 << 10], vec![0; 16 << 10]);
        loop {
            tokio::select! {
                read = visitor.read(&mut asked) => {
                    let read = read?;
                    if read == 0 {
                        good.shutdown().await?;
                        copy(&mut good, &mut visitor).await?;
                        return Ok(());
                    }
                    waiting.begin();
                    if self.moment.has_come() {
                        match self.fault {
                            Fault::Answers500 => {
                                let head = format!(
                                    "HTTP/1.1 500 {REASON}\r\nconnection: close\r\ncontent-length: 0\r\n{}: {}\r\n\r\n",
                                    platform::prober::RELEASE_HEADER, self.release
                                );
                                visitor.write_all(head.as_bytes()).await?;
                                return visitor.shutdown().await;
                            }
                            Fault::Slow => time::sleep(DELAY).await,
                            _ => {}
                        }
                    }
                    good.write_all(&asked[..read]).await?;
                }
                read = good.read(&mut answered) => {
                    let read = read?;
                    if read == 0 {
                        return visitor.shutdown().await;
                    }
                    visitor.write_all(&answered[..read]).await?;
                    waiting.end();
                }
            }
        }
    }
}

/// Whether one connection waits for an answer, as part of a count.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    is_waiting: bool,
}

impl<'a> Waiting<'a> {
    fn new(all: &'a AtomicUsize) -> Self {
        Self { all, is_waiting: false }
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.all.fetch_add(1, SeqCst);
        }
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.is_waiting, false) {
            self.all.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
