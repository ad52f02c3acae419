//! Timestamps from requests, in a form that the database can compare.

use chrono::{DateTime, Datelike as _, Utc};
use sides_web::Fault;

/// Refuses a moment that Postgres or a page could not hold, with the range.
pub(crate) fn check(field: &str, moment: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    if (1..=9999).contains(&moment.year()) {
        return Ok(moment);
    }
    Err(Fault::Unreadable(format!(
        "{field} is out of range: give a moment from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_page_and_no_database_holds_is_refused() {
        let at = |text: &str| check("before", text.parse().unwrap());
        assert!(at("0001-01-01T00:00:00Z").is_ok() && at("9999-12-31T23:59:59Z").is_ok());
        for text in [
            "-262143-01-01T00:00:00Z",
            "+262142-12-31T23:59:59Z",
            "+10000-01-01T00:00:00Z",
            "0000-06-01T00:00:00Z",
        ] {
            assert!(at(text).unwrap_err().to_string().contains("9999-12-31T23:59:59Z"), "{text}");
        }
    }
}
