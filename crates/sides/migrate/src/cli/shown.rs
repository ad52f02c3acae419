//! Text of others as a terminal may show it: names in a database may hold anything.

use std::borrow::Cow;

/// Without anything that moves the cursor, rings, or turns the direction of what follows around: such characters are
/// written out. Lines stay lines.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    written_out(text, |one| one != '\n' && one != '\t')
}

/// The same of a name, which is on one line.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    written_out(text, |_| true)
}

fn written_out(text: &str, is_meant: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_unsafe = |one: char| {
        // Embeddings, overrides and isolates of the bidirectional algorithm, marks, and what has no width.
        let is_invisible = matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}'..='\u{2029}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}');
        (one.is_control() || is_invisible) && is_meant(one)
    };
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for one in text.chars() {
        if is_unsafe(one) { safe.extend(one.escape_default()) } else { safe.push(one) }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_written_out() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}\r"), "a\\u{1b}[2Jb\nc\\u{202e}\\r");
        assert_eq!(on_one_line("a\nok  forged"), "a\\nok  forged");
        assert_eq!(shown("größer 表 🙂\t"), "größer 表 🙂\t");
    }
}
