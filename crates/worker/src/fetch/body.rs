//! Reads an answer up to a limit, looking for a text in it.

use memchr::memmem::Finder;
use models::ErrorKind;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};

use super::{Failure, charset::Text, failure::classify};

/// How much of an answer is read when no text is looked for, in bytes: then a page is as good as read.
const ENOUGH: u64 = 4 << 20;
/// How far a text is looked for, in bytes, after any compression: a small answer may grow without end.
const LIMIT: u64 = 32 << 20;

/// Reads until the text is found, or the answer ends. Nothing is kept, however long it is.
///
/// An answer without an end, such as a stream of events, is good as soon as it has started.
pub(super) async fn read(mut answer: Response, text: Option<&str>) -> Result<(), Failure> {
    let content_type = header(&answer, CONTENT_TYPE.as_str());
    let compression = header(&answer, CONTENT_ENCODING.as_str());
    let Some(text) = text else {
        return if is_stream(&content_type) { Ok(()) } else { drain(answer).await };
    };
    let mut search = Search::new(text);
    let mut decoded = Text::of(&content_type);
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
        read += chunk.len() as u64;
        if search.finds_in(decoded.read(&chunk).as_bytes()) {
            return Ok(());
        }
        if read > LIMIT {
            return Err(too_large(text));
        }
    }
    if search.finds_in(decoded.end().as_bytes()) {
        return Ok(());
    }
    let also = match compression.as_str() {
        "" | "identity" => String::new(),
        other => format!("; it is compressed as {other:?}, which is not read here"),
    };
    let text = format!("the text {text:?} is not in the answer of {read} bytes{also}");
    Err(Failure { kind: ErrorKind::TextMissing, text })
}

/// Reads to the end or until it is enough: an answer that breaks off is not good.
async fn drain(mut answer: Response) -> Result<(), Failure> {
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
        read += chunk.len() as u64;
        if read > ENOUGH {
            return Ok(());
        }
    }
    Ok(())
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

/// Types that are sent for as long as somebody listens.
fn is_stream(content_type: &str) -> bool {
    ["text/event-stream", "multipart/x-mixed-replace"].iter().any(|kind| content_type.starts_with(kind))
}

fn too_large(text: &str) -> Failure {
    let text = format!("the text {text:?} is not in the first {} MiB of an answer that goes on", LIMIT >> 20);
    Failure { kind: ErrorKind::BodyTooLarge, text }
}

/// Finds a text also where it lies across two chunks.
struct Search<'a> {
    finder: Finder<'a>,
    /// The end of what was searched, one byte shorter than the text.
    tail: Vec<u8>,
}

impl<'a> Search<'a> {
    fn new(text: &'a str) -> Self {
        Self { finder: Finder::new(text), tail: Vec::new() }
    }

    fn finds_in(&mut self, chunk: &[u8]) -> bool {
        let overlap = self.finder.needle().len().saturating_sub(1);
        let seam = self.tail.len();
        self.tail.extend_from_slice(&chunk[..chunk.len().min(overlap)]);
        if self.finder.find(&self.tail).is_some() || self.finder.find(chunk).is_some() {
            return true;
        }
        if chunk.len() >= overlap {
            self.tail.clear();
            self.tail.extend_from_slice(&chunk[chunk.len() - overlap..]);
        } else {
            let excess = (seam + chunk.len()).saturating_sub(overlap);
            self.tail.drain(..excess);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_however_the_answer_is_cut() {
        let answer = "what is here: nananana-nas, all well";
        for size in 1..=answer.len() {
            let mut search = Search::new("nana-nas");
            let found = answer.as_bytes().chunks(size).any(|chunk| search.finds_in(chunk));
            assert!(found, "in chunks of {size}");
            let mut search = Search::new("nas!");
            assert!(
                !answer.as_bytes().chunks(size).any(|chunk| search.finds_in(chunk)),
                "in chunks of {size}"
            );
        }
    }

    #[test]
    fn a_text_is_not_put_together_from_parts_that_are_apart() {
        let mut search = Search::new("abcd");
        assert!(!search.finds_in(b"ab"));
        assert!(!search.finds_in(b"--"));
        assert!(!search.finds_in(b"cd"));
        assert!(!search.finds_in(b"ab"));
        assert!(search.finds_in(b"cd"));
    }
}
