//! Whether to use colour.

use std::{env, io::IsTerminal};

/// As `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and `TERM` say, in this order; else in colour on a terminal only.
#[must_use]
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    decide(|name| env::var(name).ok(), stream.is_terminal())
}

fn decide(variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let says = |name| variable(name).filter(|value| !value.is_empty());
    // Anyone who sets both wants none: <https://no-color.org> has no exception.
    if says("NO_COLOR").is_some() {
        return false;
    }
    if says("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal
        && says("CLICOLOR").is_none_or(|value| value != "0")
        && says("TERM").is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_variable_does_what_others_do_with_it() {
        let decide = |set: &[(&str, &str)], is_terminal| {
            let value = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            super::decide(value, is_terminal)
        };
        assert!(decide(&[], true) && !decide(&[], false));
        assert!(!decide(&[("NO_COLOR", "1")], true) && decide(&[("NO_COLOR", "")], true));
        assert!(decide(&[("CLICOLOR_FORCE", "1")], false) && !decide(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!decide(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!decide(&[("TERM", "dumb")], true) && decide(&[("TERM", "xterm")], true));
        assert!(!decide(&[("CLICOLOR", "0")], true) && decide(&[("CLICOLOR", "1")], true));
    }
}
