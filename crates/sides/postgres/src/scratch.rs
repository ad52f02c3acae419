//! Scratch servers: each is used by one process at a time, and kept for the next.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    time::Duration,
};

use crate::{ClusterError, Settings, SharedCluster, home::Home, installation, keeper::end_orphan, shared};

/// More users than this at one moment wait for each other.
const SLOTS: u32 = 32;

/// A server on which its holder may do anything, also to roles and settings. Nobody else uses it meanwhile.
///
/// What the last holder left there is the next one's to clean up.
#[derive(Debug)]
pub struct ScratchServer {
    cluster: SharedCluster,
    home: Home,
    major: u32,
    // Given back last.
    _slot: File,
}

impl ScratchServer {
    /// Takes a free server in `folder`, or starts another. It runs on for `grace` after its last holder, and
    /// its data stays for the next one. `major` is the wanted major version; where it is not installed, the next
    /// newer one is taken, or the newest.
    ///
    /// Blocks while it starts.
    ///
    /// # Errors
    /// When the machine has no Postgres or the server does not start.
    pub fn open(folder: &Path, major: Option<u32>, grace: Duration) -> Result<Self, ClusterError> {
        let major = installation::nearest(major)?;
        let folder = folder.join(major.to_string());
        for slot in 0..SLOTS {
            let home = Home::prepare(&folder.join(slot.to_string()))?;
            let lock = home.lock_file("slot.lock")?;
            match lock.try_lock() {
                Ok(()) => return Self::start(home, lock, major, grace),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(unlocked(&home)(error)),
            }
        }
        let home = Home::prepare(&folder.join((std::process::id() % SLOTS).to_string()))?;
        let lock = home.lock_file("slot.lock")?;
        lock.lock().map_err(unlocked(&home))?;
        Self::start(home, lock, major, grace)
    }

    fn start(home: Home, slot: File, major: u32, grace: Duration) -> Result<Self, ClusterError> {
        let settings =
            Settings { durable: false, options: options(), major: Some(major), ..Settings::default() };
        let cluster = match shared::join(&home, &settings, grace) {
            // Its data did not outlive a crash of the machine, or its last holder broke it. There is nothing to lose.
            Err(ClusterError::Start { .. } | ClusterError::Init { .. } | ClusterError::Slow { .. }) => {
                remove_data(&home)?;
                shared::join(&home, &settings, grace)?
            }
            other => other?,
        };
        Ok(Self { cluster, home, major, _slot: slot })
    }

    /// The server's address, as its superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        self.cluster.url()
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Stops the server and removes its data: the next holder gets a fresh one.
    ///
    /// # Errors
    /// When it does not stop, or the data cannot be removed.
    pub fn discard(self) -> Result<(), ClusterError> {
        remove_data(&self.home)
    }
}

fn remove_data(home: &Home) -> Result<(), ClusterError> {
    end_orphan(home)?;
    let data = home.data();
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ClusterError::folder("remove", data)(error))
        }
        _ => Ok(()),
    }
}

fn unlocked(home: &Home) -> impl FnOnce(std::io::Error) -> ClusterError {
    ClusterError::folder("lock", home.folder.join("slot.lock"))
}

fn options() -> Vec<(String, String)> {
    let own = [("max_connections", "60"), ("shared_buffers", "32MB"), ("jit", "off")];
    let mut options = shared::options();
    for (name, value) in own {
        options.retain(|(known, _)| known != name);
        options.push((name.to_owned(), value.to_owned()));
    }
    options
}
