//! One private server that lives as long as the process that opened it.

use std::{
    fs::{File, TryLockError},
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant},
};

use crate::{
    ClusterError, guardian,
    home::Home,
    init::ensure_data,
    installation,
    keeper::{Keeper, end_orphan, server, wait_until_ready},
    pid_file::{PidFile, disarm_stale},
    settings::Settings,
};

/// How long another process may take to start the server.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server that runs as long as this value, and no longer than this process, however it ends.
#[derive(Debug)]
pub struct Cluster {
    keeper: Keeper,
    url: String,
    home: Home,
    _owner: File,
}

/// What opening a cluster found.
#[derive(Debug)]
pub enum Opened {
    /// It was started and belongs to this process.
    Started(Cluster),
    /// Another process has started it; it answers, and stops with that process.
    Running {
        /// The server's process id.
        pid: i32,
        /// Its address.
        url: String,
    },
}

impl Opened {
    /// The address in either case.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Started(cluster) => cluster.url(),
            Self::Running { url, .. } => url,
        }
    }
}

impl Cluster {
    /// Starts the server in `folder`, which is made when missing, and waits until it answers.
    ///
    /// # Errors
    /// When the machine has no Postgres, the data belongs to another version, or the server does not start.
    pub async fn open(folder: impl AsRef<Path>, settings: Settings) -> Result<Opened, ClusterError> {
        let folder = folder.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || open(&folder, &settings)).await;
        opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Whether `folder` has data that a server can be started with. Makes and starts nothing.
    #[must_use]
    pub fn exists(folder: impl AsRef<Path>) -> bool {
        existing(folder.as_ref()).is_some_and(|home| home.data().join("PG_VERSION").exists())
    }

    /// The address of the server that another process runs in `folder`; none when none runs. Starts nothing.
    #[must_use]
    pub fn running(folder: impl AsRef<Path>, settings: &Settings) -> Option<String> {
        let home = existing(folder.as_ref())?;
        PidFile::live(&home.data()).filter(|server| server.ready).map(|_| url(&home, settings))
    }

    /// The server's address, with the user and the database of the settings.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What people should know about where it runs.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.home.note.as_deref()
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> std::path::PathBuf {
        self.home.log()
    }

    /// Waits until the server ends, by itself or by a signal from elsewhere.
    pub async fn ended(&self) -> Option<ExitStatus> {
        self.keeper.ended().await
    }

    /// Ends every session and stops the server; waits for its end.
    pub async fn stop(self) {
        self.keeper.stop();
        self.keeper.ended().await;
    }
}

/// What is not there yet is not made for a question.
fn existing(folder: &Path) -> Option<Home> {
    folder.exists().then(|| Home::prepare(folder).ok()).flatten()
}

fn open(folder: &Path, settings: &Settings) -> Result<Opened, ClusterError> {
    let home = Home::prepare(folder)?;
    if let Some(note) = &home.note {
        tracing::info!("{note}");
    }
    let url = url(&home, settings);
    let owner = home.lock_file("owner.lock")?;
    let begun = Instant::now();
    loop {
        match owner.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(ClusterError::folder("lock", home.folder.join("owner.lock"))(error));
            }
        }
        // The other one may still be starting it, or may die while it does.
        if begun.elapsed() > PATIENCE {
            let tail = home.log_tail(log_length(&home).saturating_sub(4096));
            return Err(ClusterError::Slow { seconds: PATIENCE.as_secs(), log: home.log(), tail });
        }
        if let Some(server) = PidFile::live(&home.data()).filter(|server| server.ready) {
            return Ok(Opened::Running { pid: server.pid, url });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    guardian::watch_where_needed(&home, "owner.lock")?;
    let server = prepare(&home, settings)?;
    let log_start = log_length(&home);
    let keeper = Keeper::start(server)?;
    wait_until_ready(&home, log_start, || keeper.has_ended())?;
    Ok(Opened::Started(Cluster { keeper, url, home, _owner: owner }))
}

/// Everything up to the start. The caller holds a lock that keeps others out.
pub(crate) fn prepare(home: &Home, settings: &Settings) -> Result<std::process::Command, ClusterError> {
    let data = home.data();
    let installation = installation::find(&data, settings.major)?;
    ensure_data(home, &installation, settings)?;
    end_orphan(home)?;
    disarm_stale(&data).map_err(ClusterError::folder("update postmaster.pid in", &data))?;
    let mut options: Vec<(&str, &str)> =
        settings.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if !settings.durable {
        options.extend([("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")]);
    }
    server(home, &installation, &options)
}

pub(crate) fn log_length(home: &Home) -> u64 {
    std::fs::metadata(home.log()).map_or(0, |log| log.len())
}

/// `postgres://postgres@%2Fproject%2F.sides%2Fsocket/sides`: a host that starts with a slash is a socket's folder.
pub(crate) fn url(home: &Home, settings: &Settings) -> String {
    let mut host = String::new();
    for &byte in home.socket.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            host.push(char::from(byte));
        } else {
            host.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("postgres://{}@{host}/{}", settings.user, settings.database)
}
