//! The client side.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{UnixStream, unix::OwnedReadHalf},
    time,
};

use super::{
    ControlError, Lock,
    protocol::{Done, Failure, Order, Request, Status},
    socket,
};

/// Anyone who has just taken the lock has its socket well within this.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How often a host may go away before it has answered.
const TRIES: u32 = 3;
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the running `dev` or host.
#[derive(Debug)]
pub struct Client {
    run_folder: PathBuf,
    stream: UnixStream,
}

/// Its statuses, until it ends.
#[derive(Debug)]
pub struct Statuses {
    lines: Lines<BufReader<OwnedReadHalf>>,
    // Closing this half would tell the other side that nobody listens any more.
    _write: tokio::net::unix::OwnedWriteHalf,
}

/// What runs in a run folder; `None` when nothing does. Asks again when the host is replaced over it.
///
/// # Errors
/// When somebody holds the lock and does not answer.
pub async fn status(run_folder: &Path) -> Result<Option<Status>, ControlError> {
    let mut tries = TRIES;
    loop {
        let Some(client) = Client::connect(run_folder).await? else { return Ok(None) };
        match client.status().await {
            Err(ControlError::WentAway) if tries > 0 => tries -= 1,
            other => return other.map(Some),
        }
    }
}

impl Client {
    /// Connects; `None` when nothing runs there.
    ///
    /// # Errors
    /// When a process holds the lock and does not answer.
    pub async fn connect(run_folder: &Path) -> Result<Option<Self>, ControlError> {
        let deadline = time::Instant::now() + CONNECT_LIMIT;
        loop {
            if !Lock::is_held(run_folder)? {
                return Ok(None);
            }
            let path = socket::find(run_folder);
            match UnixStream::connect(&path).await {
                Ok(stream) => return Ok(Some(Self { run_folder: run_folder.to_owned(), stream })),
                Err(error) if time::Instant::now() > deadline => {
                    return Err(ControlError::NoAnswer(path, error));
                }
                Err(_) => time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// What runs now.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn status(self) -> Result<Status, ControlError> {
        let mut statuses = self.watch_with(Request::Status).await?;
        first(&mut statuses).await
    }

    /// The status now and after every change.
    ///
    /// # Errors
    /// When it has gone.
    pub async fn watch(self) -> Result<Statuses, ControlError> {
        self.watch_with(Request::Watch).await
    }

    /// Stops it, waits for its end and returns its pid.
    ///
    /// # Errors
    /// When it does not answer, or does not end.
    pub async fn stop(self) -> Result<u32, ControlError> {
        let run_folder = self.run_folder.clone();
        let mut statuses = self.watch_with(Request::Stop).await?;
        let pid = first(&mut statuses).await?.pid;
        while statuses.next().await?.is_some() {}
        // The socket closes a moment before the process has ended.
        let deadline = time::Instant::now() + ANSWER_LIMIT;
        while Lock::is_held(&run_folder)? {
            if time::Instant::now() > deadline {
                return Err(ControlError::Lingers(pid));
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        Ok(pid)
    }

    /// Has a host do something, and waits until that is done, however long it takes.
    ///
    /// The inner error is the host's reason; then nothing was changed.
    ///
    /// # Errors
    /// When the host went away before it answered: what it did is not known.
    pub async fn order(self, order: Order) -> Result<Result<Done, Failure>, ControlError> {
        let mut answers = self.ask(&Request::Order(order)).await?;
        let line = answers.lines.next_line().await.ok().flatten().ok_or(ControlError::WentAway)?;
        serde_json::from_str(&line).map_err(ControlError::Words)
    }

    async fn watch_with(self, request: Request) -> Result<Statuses, ControlError> {
        self.ask(&request).await
    }

    async fn ask(self, request: &Request) -> Result<Statuses, ControlError> {
        let (read, mut write) = self.stream.into_split();
        let line = serde_json::to_string(request).map_err(ControlError::Words)? + "\n";
        write.write_all(line.as_bytes()).await.map_err(|_| ControlError::WentAway)?;
        Ok(Statuses { lines: BufReader::new(read).lines(), _write: write })
    }
}

impl Statuses {
    /// The next status; `None` when whoever told them has ended.
    ///
    /// # Errors
    /// When it speaks another version of the protocol.
    pub async fn next(&mut self) -> Result<Option<Status>, ControlError> {
        match self.lines.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line).map(Some).map_err(ControlError::Words),
            // One that is killed resets the connection.
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

async fn first(statuses: &mut Statuses) -> Result<Status, ControlError> {
    let answer = time::timeout(ANSWER_LIMIT, statuses.next()).await;
    answer.map_err(|_| ControlError::TooLate)??.ok_or(ControlError::WentAway)
}
