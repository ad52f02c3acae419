//! How long the load's sessions waited for locks, from the server's own log: to the microsecond, and no time in which
//! the disk or the processor was busy is among it.

use std::{fs::File, io::Read as _, io::Seek as _, io::SeekFrom, path::PathBuf, time::Duration};

use crate::load::NAME;

/// The log from one moment on.
pub(crate) struct Waits {
    log: PathBuf,
    from: u64,
}

impl Waits {
    /// Waits that last less are not in the log.
    pub(crate) const SHORTEST: Duration = Duration::from_millis(10);

    /// What the server has to be told so that they are in its log.
    pub(crate) fn settings() -> [(&'static str, String); 3] {
        [
            ("log_lock_waits", "on".to_owned()),
            ("deadlock_timeout", format!("{}ms", Self::SHORTEST.as_millis())),
            ("log_line_prefix", "%a: ".to_owned()),
        ]
    }

    pub(crate) fn since_now(log: PathBuf) -> Self {
        let from = log.metadata().map_or(0, |log| log.len());
        Self { log, from }
    }

    /// The longest that ended in a lock; nothing when all were shorter than what is logged.
    pub(crate) fn longest(&self) -> Duration {
        let mut text = Vec::new();
        let mut log = File::open(&self.log).unwrap();
        log.seek(SeekFrom::Start(self.from)).unwrap();
        log.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).lines().filter_map(waited).max().unwrap_or_default()
    }
}

/// `load: LOG:  process 7 acquired ShareLock on transaction 751 after 81.253 ms`, for a table's ` at character 8` behind.
fn waited(line: &str) -> Option<Duration> {
    let rest = line.strip_prefix(NAME)?.strip_prefix(": ")?;
    let (_, rest) = rest.split_once(" acquired ")?;
    let (milliseconds, _) = rest.rsplit_once(" after ")?.1.split_once(" ms")?;
    let milliseconds: f64 = milliseconds.parse().ok()?;
    Some(Duration::from_secs_f64(milliseconds / 1000.0))
}
