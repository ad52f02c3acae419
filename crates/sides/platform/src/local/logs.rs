//! What processes printed, kept in bounded files: `.sides/logs/<process>.log` and a few older ones.
//!
//! Each line begins with its moment and its instance: `2026-11-25T12:00:00.123Z worker.3 text`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// A file does not grow beyond this.
const LARGEST: u64 = 8 << 20;
/// How many older files of a process are kept.
const OLDER: u32 = 4;
/// How much is read at once, from the end backwards.
const CHUNK: u64 = 256 << 10;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was read.
    pub at: Option<DateTime<Utc>>,
    /// The instance that printed it, as `worker.3`.
    #[serde(rename = "copy", alias = "instance")]
    pub instance: String,
    /// What it printed.
    pub text: String,
}

/// Where the logs lie that belong to a run folder.
#[must_use]
pub fn folder_beside(run_folder: &Path) -> PathBuf {
    run_folder.parent().unwrap_or(run_folder).join("logs")
}

/// The file that a process' lines go to now.
#[must_use]
pub fn file_of(folder: &Path, process: &str) -> PathBuf {
    folder.join(format!("{process}.log"))
}

/// The files of one process, as its host writes them.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    process: String,
    file: File,
    length: u64,
}

impl Log {
    /// Goes on behind what is there.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(folder: &Path, process: &str) -> io::Result<Self> {
        let file = append_to(&file_of(folder, process))?;
        let length = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), process: process.to_owned(), file, length })
    }

    /// Writes one line, into a fresh file when the present one is full.
    ///
    /// # Errors
    /// When the disk is full, or the folder has gone.
    pub fn write(&mut self, instance: &str, text: &str) -> io::Result<()> {
        if self.length >= LARGEST {
            self.rotate()?;
        }
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = format!("{at} {instance} {text}\n");
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let present = file_of(&self.folder, &self.process);
        for number in (1..OLDER).rev() {
            // The first times there is none.
            drop(fs::rename(older(&present, number), older(&present, number + 1)));
        }
        fs::rename(&present, older(&present, 1))?;
        self.file = append_to(&present)?;
        self.length = 0;
        Ok(())
    }
}

/// The last lines of a process, oldest first. A process without a log has none.
///
/// # Errors
/// When a file cannot be read.
pub fn last(folder: &Path, process: &str, lines: usize) -> io::Result<Vec<LogLine>> {
    let present = file_of(folder, process);
    let files = std::iter::once(present.clone()).chain((1..=OLDER).map(|number| older(&present, number)));
    let mut found = Vec::new();
    for file in files {
        let missing = lines.saturating_sub(found.len());
        if missing == 0 {
            break;
        }
        match last_of(&file, missing) {
            Ok(more) => found.splice(..0, more).for_each(drop),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Reads one line of a log.
#[must_use]
pub fn parse(line: &str) -> LogLine {
    let mut parts = line.splitn(3, ' ');
    let (at, instance, text) = (parts.next(), parts.next(), parts.next());
    match at.and_then(|at| DateTime::parse_from_rfc3339(at).ok()) {
        Some(at) => LogLine {
            at: Some(at.to_utc()),
            instance: instance.unwrap_or_default().to_owned(),
            text: text.unwrap_or_default().to_owned(),
        },
        None => LogLine { at: None, instance: String::new(), text: line.to_owned() },
    }
}

fn last_of(path: &Path, lines: usize) -> io::Result<Vec<LogLine>> {
    let mut file = File::open(path)?;
    let mut from = file.metadata()?.len();
    let (mut bytes, mut ends) = (Vec::new(), 0);
    // One more end of line than lines: the one before the first.
    while from > 0 && ends <= lines {
        let size = CHUNK.min(from);
        from -= size;
        file.seek(SeekFrom::Start(from))?;
        let mut chunk = Vec::new();
        (&mut file).take(size).read_to_end(&mut chunk)?;
        ends += chunk.iter().filter(|byte| **byte == b'\n').count();
        chunk.append(&mut bytes);
        bytes = chunk;
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| parse(line)).collect())
}

fn older(present: &Path, number: u32) -> PathBuf {
    present.with_extension(format!("log.{number}"))
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_bounded_and_the_last_lines_come_from_as_many_as_it_takes() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::open(folder.path(), "worker").unwrap();
        let long = "x".repeat(1 << 20);
        for number in 0..60 {
            log.write("worker.3", &format!("{number} {long}")).unwrap();
        }
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1 + OLDER as usize);
        let numbers = |lines: Vec<LogLine>| -> Vec<String> {
            lines.into_iter().map(|line| line.text.split(' ').next().unwrap().to_owned()).collect()
        };
        assert_eq!(numbers(last(folder.path(), "worker", 2).unwrap()), ["58", "59"]);
        let many = numbers(last(folder.path(), "worker", 12).unwrap());
        assert_eq!((many.len(), many[0].as_str(), many[11].as_str()), (12, "48", "59"));
        assert_eq!(last(folder.path(), "web", 5).unwrap(), []);
        drop(log);
        Log::open(folder.path(), "worker").unwrap().write("worker.4", "after a restart").unwrap();
        let line = last(folder.path(), "worker", 1).unwrap().remove(0);
        assert_eq!((line.instance.as_str(), line.text.as_str()), ("worker.4", "after a restart"));
        assert!(line.at.is_some());
    }
}
