//! The output of a process, line by line.

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    sync::mpsc,
};

/// The longest line in bytes; a longer one continues on the next.
const LONGEST: u64 = 16 * 1024;

/// One line that a process printed, on stdout or stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The name of the process.
    pub process: String,
    /// The instance of it, as `worker.3`.
    pub instance: String,
    /// The text, without its end of line. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Passes lines on until the pipe closes. Waits when the reader is behind: nothing is dropped.
pub(super) async fn forward(
    process: String,
    instance: String,
    pipe: impl AsyncRead + Unpin,
    lines: mpsc::Sender<Line>,
) {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut reader).take(LONGEST).read_until(b'\n', &mut bytes).await {
            // A pipe that cannot be read is as good as closed; the process itself tells why it died.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned();
        if lines.send(Line { process: process.clone(), instance: instance.clone(), text }).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(bytes: &[u8]) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(8);
        forward("web".to_owned(), "web.1".to_owned(), bytes, sender).await;
        let mut lines = Vec::new();
        while let Some(line) = receiver.recv().await {
            lines.push(line.text);
        }
        lines
    }

    #[tokio::test]
    async fn the_last_line_needs_no_end() {
        assert_eq!(lines_of(b"one\r\n\nthree").await, ["one", "", "three"]);
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces_and_bad_bytes_are_replaced() {
        let long = usize::try_from(LONGEST).unwrap();
        let lines = lines_of(&[vec![b'x'; long + 1], b"\n\xff".to_vec()].concat()).await;
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [long, 1, "\u{fffd}".len()]);
    }
}
