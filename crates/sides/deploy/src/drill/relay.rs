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
/// Of so many requests one fails in a build that fails at some.
const ONE_IN: usize = 200;
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
    /// Requests since the moment came.
    pub(super) asked: Arc<AtomicUsize>,
}

/// What becomes of one request.
enum Fate {
    PassedOn,
    PassedOnLate,
    Answered(String),
    Unanswered,
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

    /// What becomes of a request that was just read.
    fn fate(&self) -> Fate {
        if self.fault == Fault::SlowAtStart {
            return Fate::PassedOnLate;
        }
        if !self.moment.has_come() {
            return Fate::PassedOn;
        }
        let release = || format!("{}: {}", platform::prober::RELEASE_HEADER, self.release);
        let answer = |status: &str, length: usize, body: &str| {
            let head = format!("HTTP/1.1 {status} {REASON}\r\nconnection: close\r\n{}", release());
            Fate::Answered(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}"))
        };
        match self.fault {
            Fault::Answers500 => answer("500", 0, ""),
            Fault::AnswersSome500 if self.asked.fetch_add(1, SeqCst) % ONE_IN == ONE_IN - 1 => {
                answer("500", 0, "")
            }
            Fault::CutsOff => answer("200", 1000, "half of an answer"),
            Fault::Hangs => Fate::Unanswered,
            Fault::Slow => Fate::PassedOnLate,
            _ => Fate::PassedOn,
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
                    match self.fate() {
                        Fate::PassedOn => {}
                        Fate::PassedOnLate => time::sleep(DELAY).await,
                        Fate::Answered(answer) => {
                            visitor.write_all(answer.as_bytes()).await?;
                            return visitor.shutdown().await;
                        }
                        // Until the visitor has enough of it.
                        Fate::Unanswered => {
                            while visitor.read(&mut asked).await? > 0 {}
                            return Ok(());
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
