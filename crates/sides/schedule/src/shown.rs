//! Untrusted text, as shown in a message.

/// How much of a text is shown, in characters.
const MOST: usize = 80;

/// The text in quotes, on one line, without anything that a terminal would obey, and cut off where it is long.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} characters)", &text[..end], text.chars().count()),
    }
}

/// The same without quotes, for a name.
#[must_use]
pub fn shown(name: &str) -> String {
    quoted(name).replacen('"', "", 1).replacen('"', "", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_or_odd_stays_one_short_line() {
        assert_eq!(quoted("0 9 * * *"), "\"0 9 * * *\"");
        assert_eq!(shown("report"), "report");
        assert_eq!(shown("\u{1b}[2J\n"), "\\u{1b}[2J\\n");
        assert_eq!(quoted(&"é".repeat(80)).chars().count(), 82);
        let long = quoted(&"é".repeat(100_000));
        assert!(long.ends_with("é\"… (100000 characters)"), "{long}");
        assert!(long.chars().count() < 110);
    }
}
