//! What an enqueuer may say about a job: what `sides.enqueue` takes, whoever calls it.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, Utc};

use crate::Options;

/// The years in which a job may be due: those that every language has.
const YEARS: RangeInclusive<i32> = 1..=9999;
/// In bytes, of a key: it is part of an index, whose entries are no longer than a third of a page.
const LONGEST_KEY: usize = 1_500;
/// In characters, of a queue's name or a trace.
const LONGEST_NAME: usize = 200;
const MOST_TAGS: usize = 100;

/// Why a job cannot be enqueued with these options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsFault {
    /// The moment is none.
    #[error("it cannot be due at {0}: that is not within the years 1 to 9999")]
    Due(DateTime<Utc>),
    /// A key is empty or too long.
    #[error("its {0} is 1 to {LONGEST_KEY} bytes long; use a digest of what is longer")]
    Key(&'static str),
    /// A name is empty or too long.
    #[error("its {0} is 1 to {LONGEST_NAME} characters long")]
    Name(&'static str),
    /// There are too many, or one is empty or too long.
    #[error("it has at most {MOST_TAGS} tags, each of 1 to {LONGEST_NAME} characters")]
    Tags,
    /// It is not among the parameters of `sides.enqueue`.
    #[error("its {0} cannot be said in SQL; enqueue it with queue::enqueue_with or queue::enqueue_in_with")]
    NotInSql(&'static str),
    /// Postgres stores no U+0000.
    #[error("its {0} holds the character U+0000, which Postgres cannot store; remove it")]
    Nul(&'static str),
}

/// Checks what is not the job itself.
pub(crate) fn check(options: &Options) -> Result<(), OptionsFault> {
    if let Some(at) = options.at.filter(|at| !YEARS.contains(&at.year())) {
        return Err(OptionsFault::Due(at));
    }
    for (name, key) in [("unique_key", &options.unique_key), ("limit_key", &options.limit_key)] {
        if key.as_ref().is_some_and(|key| !(1..=LONGEST_KEY).contains(&key.len())) {
            return Err(OptionsFault::Key(name));
        }
    }
    let is_name = |text: &String| (1..=LONGEST_NAME).contains(&text.chars().count());
    for (name, text) in [("queue", &options.queue), ("trace", &options.trace)] {
        if text.as_ref().is_some_and(|text| !is_name(text)) {
            return Err(OptionsFault::Name(name));
        }
    }
    if options.tags.len() > MOST_TAGS || !options.tags.iter().all(is_name) {
        return Err(OptionsFault::Tags);
    }
    let texts = [
        ("unique_key", &options.unique_key),
        ("limit_key", &options.limit_key),
        ("queue", &options.queue),
        ("trace", &options.trace),
        ("enqueued_by", &options.enqueued_by),
    ];
    let nul = texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|text| text.contains('\0')));
    if let Some((name, _)) = nul {
        return Err(OptionsFault::Nul(name));
    }
    if options.tags.iter().any(|tag| tag.contains('\0')) { Err(OptionsFault::Nul("tags")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_row_could_hold_or_no_reader_take_is_refused() {
        let none = Options::default();
        let text = |text: &str| Some(text.to_owned());
        for (options, expected) in [
            (Options { at: Some(DateTime::<Utc>::MIN_UTC), ..none.clone() }, "the years 1 to 9999"),
            (Options { at: Some(DateTime::<Utc>::MAX_UTC), ..none.clone() }, "the years 1 to 9999"),
            (Options { unique_key: text(""), ..none.clone() }, "unique_key is 1 to 1500"),
            (Options { limit_key: Some("x".repeat(1501)), ..none.clone() }, "limit_key is 1 to 1500"),
            (Options { queue: text(""), ..none.clone() }, "queue is 1 to 200"),
            (Options { tags: vec![String::new()], ..none.clone() }, "at most 100 tags"),
            (Options { tags: vec!["a\0".to_owned()], ..none.clone() }, "tags holds the character U+0000"),
            (Options { enqueued_by: text("a\0"), ..none.clone() }, "enqueued_by holds"),
        ] {
            let fault = check(&options).unwrap_err().to_string();
            assert!(fault.contains(expected), "{fault}");
        }
        let key = Some("x".repeat(1500));
        assert_eq!(check(&Options { unique_key: key, tags: vec!["a".to_owned()], ..none }), Ok(()));
    }
}
