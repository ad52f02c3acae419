//! Adds lines to a file of Rust or TOML. Pure.

/// Adds a line to the first run of lines that begin with `prefix`, in their order. `None` without such a run.
pub(crate) fn insert_sorted(text: &str, prefix: &str, line: &str) -> Option<String> {
    insert_in(text, 0, |one| one.starts_with(prefix), line)
}

/// The same in the block that the line `opening` begins, among the lines that are entries of it.
pub(crate) fn insert_into_block(text: &str, opening: &str, line: &str) -> Option<String> {
    let opened = text.lines().position(|one| one.trim_end() == opening)?;
    insert_in(text, opened + 1, |one| one.starts_with("    ") && !one.trim().is_empty(), line)
}

fn insert_in(text: &str, from: usize, is_one: impl Fn(&str) -> bool, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = from + lines.iter().skip(from).position(|one| is_one(one))?;
    let count = lines[first..].iter().take_while(|one| is_one(one)).count();
    let at = lines[first..first + count].iter().position(|one| *one > line).unwrap_or(count);
    Some(insert_at(&lines, first + at, line))
}

/// Adds a line before the first one that is `closing`, behind the line that ends with `opening`.
pub(crate) fn insert_before(text: &str, opening: &str, closing: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let opened = lines.iter().position(|one| one.trim_end().ends_with(opening))?;
    let closed = opened + lines[opened..].iter().position(|one| one.trim_end() == closing)?;
    // A comment at the end stays there.
    let is_comment = lines[closed - 1].trim_start().starts_with("//");
    Some(insert_at(&lines, if is_comment { closed - 1 } else { closed }, line))
}

fn insert_at(lines: &[&str], at: usize, line: &str) -> String {
    let mut all = lines.to_vec();
    all.insert(at, line);
    all.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_finds_its_place_among_its_kind() {
        let text = "//! Jobs.\n\nmod a;\nmod c;\n\npub use a::A;\npub use c::C;\n";
        let text = insert_sorted(text, "mod ", "mod b;").unwrap();
        let text = insert_sorted(&text, "pub use ", "pub use d::D;").unwrap();
        assert_eq!(
            text,
            "//! Jobs.\n\nmod a;\nmod b;\nmod c;\n\npub use a::A;\npub use c::C;\npub use d::D;\n"
        );
        assert_eq!(insert_sorted(&text, "pub(crate) mod ", "pub(crate) mod x;"), None);
    }

    #[test]
    fn a_block_is_the_call_of_a_macro_and_not_its_rules() {
        let text = "macro_rules! handlers {\n    ($x) => {};\n}\n\nhandlers! {\n    B => b,\n}\n";
        let first = insert_into_block(text, "handlers! {", "    A => a,").unwrap();
        assert!(first.ends_with("handlers! {\n    A => a,\n    B => b,\n}\n"), "{first}");
        let last = insert_into_block(text, "handlers! {", "    C => c,").unwrap();
        assert!(last.ends_with("    B => b,\n    C => c,\n}\n"), "{last}");
    }

    #[test]
    fn the_last_entry_of_a_list_stays_before_its_comment() {
        let text = "fn all() {\n    let all = vec![\n        a,\n        // More.\n    ];\n}\n";
        let text = insert_before(text, "vec![", "    ];", "        b,").unwrap();
        assert!(text.contains("        a,\n        b,\n        // More.\n    ];"), "{text}");
        assert_eq!(insert_before("let all = [];", "vec![", "];", "b"), None);
    }
}
