//! Decodes the text of an answer in whatever charset it is.

use encoding_rs::{Decoder, Encoding, UTF_8};
use memchr::memmem;

/// How far into a page its own words about its encoding are looked for, as browsers do.
const HEAD: usize = 1024;

/// Turns chunks of bytes into text. A byte order mark wins, then the header, then what the page says of itself;
/// otherwise it is UTF-8. What cannot be read becomes U+FFFD.
pub(super) struct Text {
    named: Option<&'static Encoding>,
    decoder: Option<Decoder>,
}

impl Text {
    pub(super) fn of(content_type: &str) -> Self {
        let named = after(content_type.as_bytes(), b"charset").and_then(Encoding::for_label);
        Self { named, decoder: None }
    }

    /// The next chunk as text. Half a letter at its end waits for the next one.
    pub(super) fn read(&mut self, chunk: &[u8]) -> String {
        self.decode(chunk, false)
    }

    /// What was left at the end.
    pub(super) fn end(&mut self) -> String {
        self.decode(&[], true)
    }

    fn decode(&mut self, chunk: &[u8], last: bool) -> String {
        let named = self.named;
        let decoder = self.decoder.get_or_insert_with(|| {
            let head = &chunk[..chunk.len().min(HEAD)];
            let said = || after(head, b"charset").and_then(Encoding::for_label);
            named.or_else(said).unwrap_or(UTF_8).new_decoder()
        });
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(0));
        // There is room for all of it, so one call reads the whole chunk.
        let (_, _, _) = decoder.decode_to_string(chunk, &mut text, last);
        text
    }
}

/// The word behind `name=`, with or without quotes.
fn after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lower = text.to_ascii_lowercase();
    let begin = memmem::find(&lower, name)? + name.len();
    let rest = text[begin..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"-_:.".contains(byte));
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, bytes: &[u8], size: usize) -> String {
        let mut text = Text::of(content_type);
        let mut all: String = bytes.chunks(size).map(|chunk| text.read(chunk)).collect();
        all += &text.end();
        all
    }

    #[test]
    fn pages_are_read_in_what_they_are_written_in() {
        for (content_type, bytes) in [
            ("text/html; charset=iso-8859-1", &b"gr\xfc\xdfe"[..]),
            ("text/html;charset=\"windows-1252\"", b"gr\xfc\xdfe"),
            ("text/html; Charset = UTF-8", "gr\u{fc}\u{df}e".as_bytes()),
            ("text/html", "gr\u{fc}\u{df}e".as_bytes()),
            ("", b"\xff\xfeg\0r\0\xfc\0\xdf\0e\0"),
            ("text/html; charset=nonsense", "gr\u{fc}\u{df}e".as_bytes()),
        ] {
            assert_eq!(read(content_type, bytes, bytes.len()), "gr\u{fc}\u{df}e", "{content_type}");
        }
        let page = b"<html><meta charset=latin1><p>gr\xfc\xdfe";
        assert!(read("text/html", page, page.len()).ends_with("gr\u{fc}\u{df}e"));
    }

    #[test]
    fn a_letter_may_lie_across_two_chunks() {
        assert_eq!(read("", "gr\u{fc}\u{df}e \u{1f600}".as_bytes(), 1), "gr\u{fc}\u{df}e \u{1f600}");
        assert_eq!(read("; charset=utf-16le", b"g\0r\0\xfc\0\xdf\0e\0", 1), "gr\u{fc}\u{df}e");
    }
}
