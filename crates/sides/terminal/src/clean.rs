//! Lines of others, made safe to print.
//!
//! A log line may hold text from anywhere, such as the answer of a watched server. Only colour codes may
//! reach the terminal: nothing that moves the cursor, sets the title, rings, or turns the direction of what follows around.

/// Text of several lines, each of them cleaned as [`clean`] does.
#[must_use]
pub fn clean_lines(text: &str, colour: bool) -> String {
    text.split('\n').map(|line| clean(line, colour)).collect::<Vec<_>>().join("\n")
}

/// The text without control characters; colour codes stay when `colour` is wanted.
pub fn clean(text: &str, colour: bool) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    let mut painted = false;
    while let Some(position) = rest.find(is_unsafe) {
        cleaned.push_str(&rest[..position]);
        rest = &rest[position..];
        let length = match escape_length(rest) {
            Some((length, is_colour)) => {
                if is_colour && colour {
                    cleaned.push_str(&rest[..length]);
                    painted = true;
                }
                length
            }
            None => {
                cleaned.push('\u{fffd}');
                rest.chars().next().map_or(1, char::len_utf8)
            }
        };
        rest = &rest[length..];
    }
    cleaned.push_str(rest);
    if painted {
        // A line that forgets to end its colour must not paint the next one.
        cleaned.push_str("\u{1b}[0m");
    }
    cleaned
}

fn is_unsafe(c: char) -> bool {
    // Overrides, embeddings and isolates of the bidirectional algorithm: without their ends they reach beyond this text.
    let turns_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_around || (c.is_control() && c != '\t')
}

/// The length of the `ESC [ … letter` sequence in front, and whether it only sets colours.
fn escape_length(text: &str) -> Option<(usize, bool)> {
    let body = text.strip_prefix("\u{1b}[")?;
    let end = body.find(|c: char| !matches!(c, '0'..='9' | ';' | ':' | '?'))?;
    let letter = body[end..].chars().next().filter(char::is_ascii_graphic)?;
    Some((2 + end + 1, letter == 'm'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_where_they_are_wanted_and_end_with_the_line() {
        assert_eq!(clean("\u{1b}[1;32mok", true), "\u{1b}[1;32mok\u{1b}[0m");
        assert_eq!(clean("\u{1b}[1;32mok\u{1b}[0m", false), "ok");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(clean_lines("a\u{1b}[2J\nb\n", false), "a\nb\n");
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        assert_eq!(clean("a\u{1b}[2J\u{1b}[10;10Hb", true), "ab");
        assert_eq!(clean("a\u{1b}]0;title\u{7}b\r\u{8}", true), "a\u{fffd}]0;title\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(clean("a\u{9b}2Jb \u{1b}", true), "a\u{fffd}2Jb \u{fffd}");
        assert_eq!(clean("a\u{202e}b\u{2067}c", true), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("ein\tTab, größer", true), "ein\tTab, größer");
    }
}
