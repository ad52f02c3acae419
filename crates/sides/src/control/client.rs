//! The side of the other commands.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{UnixStream, unix::OwnedReadHalf},
    time,
};

use super::{
    Lock,
    protocol::{Answer, DevStatus, Request, Roll},
    socket,
};
use crate::workspace::Workspace;

/// A dev that has just taken the lock has its socket well within this.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A connection to the running `dev`.
pub(crate) struct Client {
    workspace: Workspace,
    stream: UnixStream,
}

/// The statuses of a `dev`, until it ends.
pub(crate) struct Statuses {
    lines: Lines<BufReader<OwnedReadHalf>>,
    // Closing this half would tell the other side that nobody listens any more.
    _write: tokio::net::unix::OwnedWriteHalf,
}

impl Client {
    /// Connects; `None` when no `dev` runs.
    pub(crate) async fn connect(workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        let deadline = time::Instant::now() + CONNECT_LIMIT;
        loop {
            if !Lock::is_held(workspace)? {
                return Ok(None);
            }
            let path = socket::find(workspace);
            match UnixStream::connect(&path).await {
                Ok(stream) => return Ok(Some(Self { workspace: workspace.clone(), stream })),
                Err(error) if time::Instant::now() > deadline => {
                    return Err(anyhow::Error::new(error).context(format!(
                        "a dev holds the lock of this workspace, but does not answer on {}",
                        path.display()
                    )));
                }
                Err(_) => time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    pub(crate) async fn status(self) -> anyhow::Result<DevStatus> {
        let mut statuses = self.ask(Request::Status).await?;
        first(&mut statuses).await
    }

    /// The status now and after every change.
    pub(crate) async fn watch(self) -> anyhow::Result<Statuses> {
        self.ask(Request::Watch).await
    }

    /// Stops the `dev`, waits for its end and returns its pid.
    pub(crate) async fn stop(self) -> anyhow::Result<u32> {
        let workspace = self.workspace.clone();
        let mut statuses = self.ask(Request::Stop).await?;
        let pid = first(&mut statuses).await?.pid;
        while statuses.next().await?.is_some() {}
        // The socket closes a moment before the process has ended.
        let deadline = time::Instant::now() + ANSWER_LIMIT;
        while Lock::is_held(&workspace)? {
            if time::Instant::now() > deadline {
                bail!("it closed its socket, but still holds its lock (pid {pid})");
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        Ok(pid)
    }

    /// Has a host replace a process, and waits until that is done.
    ///
    /// The inner error is the host's reason; then nothing was changed.
    pub(crate) async fn roll(self, roll: Roll) -> anyhow::Result<Result<(), String>> {
        let mut statuses = self.ask(Request::Roll(roll)).await?;
        first(&mut statuses).await?;
        let line = statuses.lines.next_line().await.context("the host went away")?;
        let line = line.context("the host went away")?;
        let answer: Answer =
            serde_json::from_str(&line).context("the host answers in another version's words")?;
        Ok(answer.error.map_or(Ok(()), Err))
    }

    async fn ask(self, request: Request) -> anyhow::Result<Statuses> {
        let (read, mut write) = self.stream.into_split();
        let line = serde_json::to_string(&request)? + "\n";
        write.write_all(line.as_bytes()).await.context("the dev went away")?;
        Ok(Statuses { lines: BufReader::new(read).lines(), _write: write })
    }
}

impl Statuses {
    /// The next status; `None` when the `dev` has ended.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<DevStatus>> {
        match self.lines.next_line().await {
            Ok(Some(line)) => {
                Ok(Some(serde_json::from_str(&line).context("the dev answers in another version's words")?))
            }
            // A dev that is killed resets the connection.
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

async fn first(statuses: &mut Statuses) -> anyhow::Result<DevStatus> {
    let answer = time::timeout(ANSWER_LIMIT, statuses.next()).await;
    answer.context("the dev does not answer")??.context("the dev went away")
}
