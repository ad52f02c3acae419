//! What an instance prints into its file, read line by line, kept in its process' log and passed on.
//!
//! The instance never waits for a reader, and a reader that dies has a successor, which goes on where it was.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, time};
use tokio_util::sync::CancellationToken;

use super::{lifetime::InstanceFiles, logs::Log, output::Line};

/// How long a line may wait to be read.
const BETWEEN: Duration = Duration::from_millis(50);
/// How much is read at once; a longer line continues on the next.
const CHUNK: usize = 64 << 10;
/// What was read is given back to the disk in pieces of this size.
const GIVE_BACK: u64 = 1 << 20;

/// Where lines go.
#[derive(Clone)]
pub(super) struct Readers {
    pub(super) log: Option<Arc<Mutex<Log>>>,
    pub(super) lines: mpsc::Sender<Line>,
}

/// Reads until the instance has `ended` and nothing is left.
pub(super) async fn follow(
    process: String,
    files: InstanceFiles,
    readers: Readers,
    ended: CancellationToken,
) {
    let opened = files.printed().and_then(|output| Ok((output, files.position()?)));
    // Without its files there is nothing to read; the instance runs anyway.
    let Ok((output, position)) = opened else { return };
    let mut from = read_position(&position);
    let mut given_back = from - from % GIVE_BACK;
    let mut chunk = vec![0; CHUNK];
    loop {
        let is_last = ended.is_cancelled();
        let read = output.read_at(&mut chunk, from).unwrap_or(0);
        let whole = whole_lines(&chunk[..read], is_last && read < CHUNK);
        for line in chunk[..whole].split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
            pass_on(&readers, &process, files.name(), text).await;
        }
        from += whole as u64;
        if whole > 0 {
            // A successor reads a line twice rather than never.
            drop(position.write_all_at(&from.to_le_bytes(), 0));
            if from - given_back >= GIVE_BACK {
                given_back = give_back(&output, from);
            }
        } else if is_last {
            return;
        } else {
            tokio::select! {
                () = ended.cancelled() => {}
                () = time::sleep(BETWEEN) => {}
            }
        }
    }
}

async fn pass_on(readers: &Readers, process: &str, instance: &str, text: String) {
    if let Some(log) = &readers.log {
        // A full disk must not end the reading, or the instance's own file would fill it further.
        drop(log.lock().unwrap_or_else(PoisonError::into_inner).write(instance, &text));
    }
    let line = Line { process: process.to_owned(), instance: instance.to_owned(), text };
    // Nobody looks: the log has it.
    drop(readers.lines.send(line).await);
}

/// How much of it can be told now: up to the last end of line, or all when a line is too long or the last.
fn whole_lines(bytes: &[u8], is_last: bool) -> usize {
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(at) if !is_last => at + 1,
        _ if is_last || bytes.len() == CHUNK => bytes.len(),
        _ => 0,
    }
}

fn read_position(file: &File) -> u64 {
    let mut bytes = [0; 8];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}

/// Makes what was read cost no room: the file seems to grow, and does not. Where the file system cannot, it does.
fn give_back(output: &File, upto: u64) -> u64 {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{FallocateFlags, fallocate};
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let whole = upto - upto % GIVE_BACK;
        let punched: io::Result<()> = match i64::try_from(whole) {
            Ok(length) => fallocate(output, flags, 0, length).map_err(io::Error::from),
            Err(_) => Ok(()),
        };
        drop(punched);
        whole
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = output;
        upto
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::MetadataExt as _};

    use super::*;

    fn readers() -> (Readers, mpsc::Receiver<Line>) {
        let (lines, received) = mpsc::channel(1 << 16);
        (Readers { log: None, lines }, received)
    }

    fn texts(received: &mut mpsc::Receiver<Line>) -> Vec<String> {
        std::iter::from_fn(|| received.try_recv().ok()).map(|line| line.text).collect()
    }

    #[tokio::test]
    async fn a_successor_goes_on_where_the_reader_was_and_what_was_read_costs_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let files = InstanceFiles::of(folder.path(), "web", 3);
        let mut output = files.output().unwrap();
        let ended = CancellationToken::new();
        ended.cancel();
        let read = async |files: &InstanceFiles| {
            let (readers, mut received) = readers();
            follow("web".to_owned(), files.clone(), readers, ended.clone()).await;
            texts(&mut received)
        };
        output.write_all(b"one\n\ntwo").unwrap();
        assert_eq!(read(&files).await, ["one", "", "two"]);
        output.write_all(b"three\n").unwrap();
        assert_eq!(read(&files).await, ["three"]);
        let line = format!("{}\n", "x".repeat(999));
        for _ in 0..5000 {
            output.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&files).await.len(), 5000);
        let room = files.printed().unwrap().metadata().unwrap();
        assert!(room.len() > 4 << 20);
        assert!(room.blocks() * 512 <= 2 << 20, "{} blocks", room.blocks());
        files.remove();
        assert!(files.printed().is_err());
    }

    #[test]
    fn half_a_line_waits_for_its_end_unless_there_is_none() {
        assert_eq!(whole_lines(b"one\ntw", false), 4);
        assert_eq!(whole_lines(b"tw", false), 0);
        assert_eq!(whole_lines(b"one\ntw", true), 6);
        assert_eq!(whole_lines(&[b'x'; CHUNK], false), CHUNK);
    }
}
