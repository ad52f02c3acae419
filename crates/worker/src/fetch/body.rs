//! Reading an answer, at most so far, and looking for a text in it on the way.

use memchr::memmem::Finder;
use models::ErrorKind;
use reqwest::Response;

use super::{Failure, failure::classify};

/// How much of an answer is read, in bytes.
pub(super) const LIMIT: u64 = 4 << 20;

/// Reads until the text is found, or the answer ends. Nothing is kept, however long it is.
pub(super) async fn read(mut answer: Response, text: Option<&str>) -> Result<(), Failure> {
    let mut search = text.map(Search::new);
    let mut read = 0;
    while let Some(chunk) = answer.chunk().await.map_err(|error| classify(&error))? {
        if search.as_mut().is_some_and(|search| search.finds_in(&chunk)) {
            return Ok(());
        }
        read += chunk.len() as u64;
        if read > LIMIT {
            return Err(too_large(text));
        }
    }
    match text {
        None => Ok(()),
        Some(text) => {
            let text = format!("the text {text:?} is not in the answer of {read} bytes");
            Err(Failure { kind: ErrorKind::TextMissing, text })
        }
    }
}

fn too_large(text: Option<&str>) -> Failure {
    let limit = LIMIT >> 20;
    let text = match text {
        None => format!("the answer had not ended after {limit} MiB; watch a smaller page, or use HEAD"),
        Some(text) => format!("the text {text:?} is not in the first {limit} MiB of an answer that goes on"),
    };
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
