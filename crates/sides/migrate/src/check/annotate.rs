//! Findings as annotations in CI, beside the line.

/// A command of GitHub's workflow language that puts an error beside a line of a file.
#[must_use]
pub fn annotation(file: &str, line: usize, title: &str, message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    format!("::error file={},line={line},title={}::{}", property(file), property(title), data(message))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_would_end_a_command_is_escaped() {
        let line = super::annotation("migrations/a,b/up.sql", 3, "no: never", "100 %\nsure");
        assert_eq!(line, "::error file=migrations/a%2Cb/up.sql,line=3,title=no%3A never::100 %25%0Asure");
    }
}
