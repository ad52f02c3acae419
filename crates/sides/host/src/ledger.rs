//! Every action leaves a row in `sides.actions`: who asked, why, what happened to it.
//!
//! It is written into a file first, and from there into the database as soon as that answers, once.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::schema::actions::{self, NewAction};
use chrono::{DateTime, Utc};
use database::{Connection, DatabaseUrl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::Notify, time};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// How long a database that was away is left alone.
const BETWEEN: Duration = Duration::from_secs(2);
/// A database that stays away must not fill the disk.
const LARGEST: u64 = 4 << 20;

/// A row to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Action {
    /// In `measured` too: by it a row is known that is there already.
    pub(super) id: Uuid,
    pub(super) at: DateTime<Utc>,
    pub(super) subject: String,
    pub(super) action: String,
    pub(super) asked_by: String,
    pub(super) reason: String,
    pub(super) measured: Value,
    pub(super) outcome: String,
}

/// Where actions are written down.
pub(super) struct Ledger {
    file: PathBuf,
    written: Arc<Notify>,
    _carrying: AbortOnDropHandle<()>,
}

impl Ledger {
    /// Carries over what is written down, and what a predecessor has left, until it is dropped.
    pub(super) fn open(run_folder: &Path, url: DatabaseUrl) -> Self {
        let file = run_folder.join("actions.jsonl");
        let written = Arc::new(Notify::new());
        let carrying = carry(file.clone(), url, Arc::clone(&written));
        Self { file, written, _carrying: AbortOnDropHandle::new(tokio::spawn(carrying)) }
    }

    /// Writes an action down. A full disk does not undo what was done.
    pub(super) fn note(&self, action: &Action) {
        let note = || -> io::Result<()> {
            let _alone = alone(&self.file)?;
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file)?;
            if file.metadata()?.len() < LARGEST {
                file.write_all((serde_json::to_string(action)? + "\n").as_bytes())?;
            }
            Ok(())
        };
        drop(note());
        self.written.notify_one();
    }

    /// Waits until everything is in the database, for as long as that may take at the end.
    pub(super) async fn flush(&self, patience: Duration) {
        let empty = || fs::metadata(&self.file).map_or(true, |file| file.len() == 0);
        let flushed = async {
            while !empty() {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        // What stays in the file is carried over by the next host.
        drop(time::timeout(patience, flushed).await);
    }
}

async fn carry(file: PathBuf, url: DatabaseUrl, written: Arc<Notify>) {
    let url = url.with_application_name("sides host");
    loop {
        // Only this task removes lines, and only what it has read.
        let text = read(&file);
        if !text.is_empty() && insert(&url, &text).await.is_ok() && remove(&file, text.len()).is_ok() {
            continue;
        }
        match text.is_empty() {
            true => written.notified().await,
            false => time::sleep(BETWEEN).await,
        }
    }
}

async fn insert(url: &DatabaseUrl, text: &str) -> anyhow::Result<()> {
    let mut connection: Connection = database::connect(url).await?;
    // Half a line, cut off by a full disk, is no action.
    for action in text.lines().filter_map(|line| serde_json::from_str::<Action>(line).ok()) {
        let mut measured = action.measured;
        measured["id"] = Value::String(action.id.to_string());
        let row = NewAction {
            subject: &action.subject,
            action: &action.action,
            asked_by: &action.asked_by,
            reason: &action.reason,
            measured: &measured,
            outcome: &action.outcome,
        };
        actions::insert_once(&mut connection, row, action.at).await?;
    }
    Ok(())
}

/// Whole lines.
fn read(file: &Path) -> String {
    let _alone = alone(file).ok();
    fs::read_to_string(file).unwrap_or_default()
}

/// Nobody else writes the file while this is kept, no host that is replaced or comes next either: between reading and
/// renaming, what is added to the old file would be lost.
fn alone(file: &Path) -> io::Result<File> {
    let lock = file.with_extension("lock");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
    lock.lock()?;
    Ok(lock)
}

/// Removes the first bytes. What was written meanwhile stays.
fn remove(file: &Path, length: usize) -> io::Result<()> {
    let _alone = alone(file)?;
    let text = fs::read(file)?;
    platform::local::write_private(file, &String::from_utf8_lossy(&text[length.min(text.len())..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside somebody who carries everything over at once.
    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_that_is_noted_while_lines_are_removed_is_lost() {
        const ACTIONS: usize = 2000;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("actions.jsonl");
        let written = Arc::new(Notify::new());
        let carrying = AbortOnDropHandle::new(tokio::spawn(async {}));
        let ledger = Ledger { file: file.clone(), written, _carrying: carrying };
        let noting = std::thread::spawn(move || {
            for number in 0..ACTIONS {
                ledger.note(&Action {
                    id: Uuid::now_v7(),
                    at: DateTime::UNIX_EPOCH,
                    subject: number.to_string(),
                    action: "put".to_owned(),
                    asked_by: "a test".to_owned(),
                    reason: "a test".to_owned(),
                    measured: Value::Null,
                    outcome: "done".to_owned(),
                });
            }
        });
        let (mut carried, deadline) = (0, time::Instant::now() + Duration::from_secs(60));
        while carried < ACTIONS && time::Instant::now() < deadline {
            let is_over = noting.is_finished();
            let text = read(&file);
            carried += text.lines().count();
            // Before the first line there is no file.
            if !text.is_empty() {
                remove(&file, text.len()).unwrap();
            }
            if is_over {
                break;
            }
        }
        assert_eq!(carried, ACTIONS);
    }
}
