//! Shows a query without its values, which may be secrets. Pure.

/// The query on one line with `…` in place of each text and number, at most `longest` characters.
///
/// A text that does not end, as in a query that Postgres cut off, hides everything behind its beginning.
pub(crate) fn without_values(query: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let is_inside_a_name =
            out.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == '$');
        let value = match first {
            '\'' => Some(quoted_end(rest, takes_escapes(&out))),
            '$' if !is_inside_a_name => dollar_end(rest),
            '-' if rest.starts_with("--") => Some(rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => Some(rest.find("*/").map_or(rest.len(), |end| end + 2)),
            digit if digit.is_ascii_digit() && !is_inside_a_name => {
                Some(rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '.').unwrap_or(rest.len()))
            }
            _ => None,
        };
        match value {
            Some(end) => {
                out.push('…');
                rest = &rest[end..];
            }
            None => {
                let is_space = first.is_whitespace();
                if !(is_space && out.ends_with(' ')) {
                    out.push(if is_space { ' ' } else { first });
                }
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    let out = out.trim();
    match out.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out.to_owned(),
    }
}

/// `E'…'`: there a backslash hides a quote.
fn takes_escapes(before: &str) -> bool {
    let mut last = before.chars().rev();
    matches!(last.next(), Some('e' | 'E'))
        && last.next().is_none_or(|one| !one.is_alphanumeric() && one != '_')
}

fn quoted_end(text: &str, takes_escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((place, one)) = characters.next() {
        match one {
            '\\' if takes_escapes => drop(characters.next()),
            '\'' if characters.peek().is_some_and(|(_, next)| *next == '\'') => drop(characters.next()),
            '\'' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// `$tag$…$tag$`; nothing for a parameter like `$1`.
fn dollar_end(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let tag = &text[..tag_end];
    let is_tag = tag[1..tag_end - 1].chars().all(|one| one.is_alphanumeric() || one == '_')
        && !tag[1..].starts_with(|one: char| one.is_ascii_digit());
    is_tag.then(|| text[tag_end..].find(tag).map_or(text.len(), |end| tag_end + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn values_are_hidden_and_names_stay() {
        for (query, shown) in [
            ("SELECT *\n FROM  t2 WHERE a = 'it''s' AND b = 17.5", "SELECT * FROM t2 WHERE a = … AND b = …"),
            (r"UPDATE u SET pw = E'a\'b' WHERE id = $1", "UPDATE u SET pw = E… WHERE id = $1"),
            ("SELECT $x$secret 'y'$x$, $$z$$ -- the key is 5\n, a", "SELECT …, … … , a"),
            ("ALTER ROLE ann PASSWORD 'unfinis", "ALTER ROLE ann PASSWORD …"),
            ("SELECT 1 /* 'secret' */ FROM \"My Table\"", "SELECT … … FROM \"My Table\""),
        ] {
            assert_eq!(without_values(query, 80), shown, "{query}");
        }
        assert_eq!(without_values("SELECT abcdef", 8), "SELECT a…");
    }
}
