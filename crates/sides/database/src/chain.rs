//! An error in one line.

use std::error::Error;

/// An error and what caused it, in one line: its own text, and behind a colon that of each cause, unless that is what the
/// text before it ends with, as a pool's does, with or without the causes behind it.
pub fn chain(error: &dyn Error) -> String {
    let own = error.to_string();
    let Some(cause) = error.source() else { return own };
    let rest = chain(cause);
    let first = cause.to_string();
    if own.ends_with(&rest) {
        return own;
    }
    match rest.strip_prefix(&first) {
        Some(behind) if own.ends_with(&first) => format!("{own}{behind}"),
        _ => format!("{own}: {rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::chain;
    use crate::{DatabaseUrl, pool};

    #[tokio::test]
    async fn a_pool_says_what_failed_once() {
        let url: DatabaseUrl = "postgres://ann@127.0.0.1:1/app?sslmode=disable".parse().unwrap();
        let error = pool(&url, 1).get().await.err().unwrap();
        let text = chain(&error);
        assert_eq!(text.matches("cannot connect to").count(), 1, "{text}");
        assert!(text.contains("refused"), "{text}");
    }
}
