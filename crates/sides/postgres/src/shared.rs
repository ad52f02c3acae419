//! One server for all test binaries of a checkout.

use std::{fs::File, path::Path, time::Duration};

use crate::{
    ClusterError, Settings,
    cluster::{log_length, prepare, url},
    guardian,
    home::Home,
    keeper::wait_until_ready,
    pid_file::PidFile,
};

const GRACE: Duration = Duration::from_secs(30);

/// One user's share in the server; it stays up at least as long as this value.
#[derive(Debug)]
pub struct SharedCluster {
    url: String,
    _share: File,
}

impl SharedCluster {
    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Starts the server in `folder` or joins the one that runs there. About 30 seconds after its last user is
/// gone, killed or not, it stops by itself.
///
/// Its data does not outlive a crash of the machine. Blocks while it starts.
///
/// # Errors
/// When the machine has no Postgres or the server does not start.
pub fn shared_for_tests(folder: &Path) -> Result<SharedCluster, ClusterError> {
    shared_with_grace(folder, GRACE)
}

/// [`shared_for_tests`] with another time to stay after the last user.
///
/// # Errors
/// The same.
pub fn shared_with_grace(folder: &Path, grace: Duration) -> Result<SharedCluster, ClusterError> {
    let settings = Settings { durable: false, options: options(), ..Settings::default() };
    join(&Home::prepare(folder)?, &settings, grace)
}

/// Starts the server of these folders, or joins the one that runs there.
pub(crate) fn join(home: &Home, settings: &Settings, grace: Duration) -> Result<SharedCluster, ClusterError> {
    let share = home.lock_file("users.lock")?;
    // Waits while a guardian stops the server.
    share.lock_shared().map_err(ClusterError::folder("lock", home.folder.join("users.lock")))?;
    let start = home.lock_file("start.lock")?;
    start.lock().map_err(ClusterError::folder("lock", home.folder.join("start.lock")))?;
    // Before the server, so that there is no moment at which being killed leaves it behind.
    guardian::watch(home, "users.lock", grace)?;
    if PidFile::live(&home.data()).is_none_or(|server| !server.ready) {
        let mut server = prepare(home, settings)?;
        let log_start = log_length(home);
        let mut child = server.spawn().map_err(ClusterError::run(server.get_program()))?;
        wait_until_ready(home, log_start, || !matches!(child.try_wait(), Ok(None)))?;
    }
    Ok(SharedCluster { url: url(home, settings), _share: share })
}

pub(crate) fn options() -> Vec<(String, String)> {
    [
        ("max_connections", "400"),
        ("shared_buffers", "64MB"),
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        ("autovacuum", "off"),
        ("checkpoint_timeout", "1h"),
        ("max_wal_size", "4GB"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
