//! Shell syntax in a line that no shell reads.
//!
//! Anyone who writes `${PORT:-3000}` or `a && b` means what a shell makes of it. The line is read here as a shell would
//! read it, quotes included, and the first thing that only a shell could carry out is named.

/// Words that a shell carries out itself: there is no such program, or it would change nothing.
const BUILTINS: &[&str] = &[
    ".", ":", "[[", "alias", "bg", "case", "cd", "command", "declare", "eval", "exec", "exit", "export",
    "fg", "for", "function", "if", "local", "readonly", "return", "select", "set", "shift", "source", "time",
    "trap", "type", "ulimit", "umask", "unset", "until", "wait", "while", "{", "!",
];

/// The first piece of a command that needs a shell.
pub(super) fn syntax(command: &str) -> Option<String> {
    let first = command.split_whitespace().next().unwrap_or_default();
    if BUILTINS.contains(&first) || is_assignment(first) {
        return Some(first.to_owned());
    }
    let mut quote = None;
    let mut rest = command.char_indices().peekable();
    let mut at_word_start = true;
    while let Some((index, letter)) = rest.next() {
        let starts_word = std::mem::replace(&mut at_word_start, quote.is_none() && letter.is_whitespace());
        let behind = &command[index + letter.len_utf8()..];
        match (quote, letter) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), _) => {}
            // A backslash at the end is a line that goes on, which this format has not.
            (_, '\\') if behind.is_empty() => return Some("\\".to_owned()),
            (_, '\\') => drop(rest.next()),
            (_, '$') if expands(behind, quote.is_none()) => return Some(expansion(&command[index..])),
            (_, '`') => return Some(piece(&command[index..])),
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '|' | '&' | ';' | '<' | '>') => return Some(operator(command, index)),
            (None, '(' | ')' | '*' | '?') => return Some(word_around(command, index)),
            (None, '[')
                if behind.split(char::is_whitespace).next().is_some_and(|word| word.contains(']')) =>
            {
                return Some(word_around(command, index));
            }
            (None, '{') if is_list(behind) => return Some(word_around(command, index)),
            (None, '~') if starts_word && is_home(behind) => return Some(word_around(command, index)),
            (None, '#') if starts_word && index > 0 => return Some(command[index..].to_owned()),
            (None, _) => {}
        }
    }
    None
}

/// `NAME=value` in front of a program sets a variable.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Whether a shell puts something else in the place of a `$` with this behind it.
fn expands(behind: &str, is_unquoted: bool) -> bool {
    let next = behind.chars().next();
    next.is_some_and(|c| c.is_ascii_alphanumeric() || "_{(@*#?-$!".contains(c))
        || is_unquoted && matches!(next, Some('\'' | '"'))
}

/// `$NAME`, `${NAME:-3000}`, `$(command)`
fn expansion(text: &str) -> String {
    let end = match text[1..].chars().next() {
        Some('{') => text.find('}').map(|end| end + 1),
        Some('(') => text.find(')').map(|end| end + 1),
        Some('\'' | '"') => Some(2),
        _ => {
            let name = text[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            Some(name.map_or(text.len(), |end| (1 + end).max(2)))
        }
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or(text).to_owned()
}

/// `&&`, `2>&1`, `>>`
fn operator(command: &str, index: usize) -> String {
    let is_operator = |c: char| "|&;<>".contains(c);
    let digits =
        command[..index].len() - command[..index].trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let end = command[index..].find(|c| !is_operator(c)).map_or(command.len(), |end| index + end);
    let target = if command[index..end].ends_with('&')
        && command[index..end].len() > 1
        && !command[index..end].starts_with('&')
    {
        command[end..].find(|c: char| !c.is_ascii_digit()).map_or(command.len(), |more| end + more)
    } else {
        end
    };
    command[index - digits..target].to_owned()
}

/// From here to the next blank.
fn piece(text: &str) -> String {
    text.split(char::is_whitespace).next().unwrap_or(text).to_owned()
}

fn word_around(command: &str, index: usize) -> String {
    let start = command[..index].rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
    piece(&command[start..])
}

/// `{a,b}` and `{1..3}` are several words.
fn is_list(behind: &str) -> bool {
    let inside = behind.split_once('}').map(|(inside, _)| inside);
    inside.is_some_and(|inside| {
        !inside.contains(char::is_whitespace) && (inside.contains(',') || inside.contains(".."))
    })
}

/// `~` and `~ann` in front of a path.
fn is_home(behind: &str) -> bool {
    let name = behind.split(|c: char| c == '/' || c.is_whitespace()).next().unwrap_or_default();
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_-+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_shell_could_carry_out_is_named() {
        for (command, named) in [
            ("web --port $PORT", "$PORT"),
            ("web --port ${PORT:-3000}", "${PORT:-3000}"),
            ("web --port=\"${PORT}\"", "${PORT}"),
            ("web --port=$PORT,0", "$PORT"),
            ("web $(nproc)", "$(nproc)"),
            ("web --threads $((2 * 2))", "$((2 * 2)"),
            ("web `nproc`", "`nproc`"),
            ("web \"`nproc`\"", "`nproc`\""),
            ("web $1", "$1"),
            ("web $$", "$$"),
            ("web $'a\\n'", "$'"),
            ("web|cat", "|"),
            ("web || true", "||"),
            ("web&&cat", "&&"),
            ("web &", "&"),
            ("web; cat", ";"),
            ("web 2>&1", "2>&1"),
            ("web >>log", ">>"),
            ("web < in", "<"),
            ("(web)", "(web)"),
            ("web *.toml", "*.toml"),
            ("web file?", "file?"),
            ("web [ab].toml", "[ab].toml"),
            ("web {a,b}", "{a,b}"),
            ("web {1..3}", "{1..3}"),
            ("web ~/file", "~/file"),
            ("web ~ann", "~ann"),
            ("web # ours", "# ours"),
            ("PORT=1 web", "PORT=1"),
            ("exec web", "exec"),
            ("cd /srv && web", "cd"),
            (". ./env", "."),
            ("web --a \\", "\\"),
        ] {
            assert_eq!(syntax(command.trim()).as_deref(), Some(named), "{command}");
        }
    }

    #[test]
    fn what_is_quoted_or_means_nothing_to_a_shell_is_text() {
        for command in [
            "web --price 5$ --rate '$PORT' \\$PORT",
            "sh -c 'exec web --port ${PORT:-3000} | cat'",
            "web 'a;b' \"c|d\" e\\&f",
            "web --format {id} --json '{\"a\":1,\"b\":2}'",
            "web --url http://x/a~b#top --mail a@b --percent 5%",
            "web a=b ./-x --n=-1 a:b",
            "web \"it's\" 'a \"b\"'",
            "web \"100 % of $\"",
            "web a[b",
        ] {
            assert_eq!(syntax(command), None, "{command}");
        }
    }
}
