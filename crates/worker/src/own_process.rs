//! Whether one of the application's own processes answers.
//!
//! It is up when at least one of its instances answers `/livez`: an instance that dies beside a living one, or a
//! new one that starts while an old one drains, is no outage. It is down when there is no instance, or none
//! of them answers. Whether an instance is ready is not asked: an instance that waits for the database says so
//! itself, and the database is not the process.

use std::time::Duration;

use ::schema::instances;
use database::Connection;
use diesel::QueryResult;
use futures_util::future::join_all;
use models::ErrorKind;

use crate::fetch::{Failure, Fetcher, Seen, Target};

/// A heartbeat comes every five seconds; an instance whose is late by several may have lost its database only, so it is
/// still asked.
const HEARD_OF: Duration = Duration::from_secs(30);

/// Where the instances of a process answer.
pub(crate) async fn addresses(c: &mut Connection, process: &str) -> QueryResult<Vec<String>> {
    instances::ops_addresses(c, process, HEARD_OF).await
}

/// Asks all of them at once; the quickest good answer counts.
pub(crate) async fn ask(fetcher: &Fetcher, process: &str, addresses: &[String], target: &Target<'_>) -> Seen {
    let asked = addresses.iter().map(|address| fetcher.fetch_own(address, target));
    judge(process, addresses, join_all(asked).await)
}

fn judge(process: &str, addresses: &[String], answers: Vec<Seen>) -> Seen {
    if answers.is_empty() {
        let text = format!("no instance of {process} is running");
        return Seen::failed(Failure { kind: ErrorKind::NoInstance, text });
    }
    let failures: Vec<String> = addresses
        .iter()
        .zip(&answers)
        .filter_map(|(address, seen)| Some(format!("{address}: {}", seen.failure.as_ref()?.text)))
        .collect();
    let best = answers.into_iter().min_by_key(|seen| (seen.failure.is_some(), seen.latency));
    let mut best = best.expect("there is at least one answer");
    if let Some(failure) = &mut best.failure {
        failure.text = format!("no instance of {process} answers: {}", failures.join("; "));
    }
    best
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seen(millis: u64, failure: Option<&str>) -> Seen {
        Seen {
            status: None,
            latency: Duration::from_millis(millis),
            failure: failure.map(|text| Failure { kind: ErrorKind::Refused, text: text.to_owned() }),
        }
    }

    #[test]
    fn one_that_answers_is_enough() {
        let addresses = ["a:1".to_owned(), "b:2".to_owned(), "c:3".to_owned()];
        let answers = vec![seen(1, Some("refused")), seen(9, None), seen(4, None)];
        let best = judge("web", &addresses, answers);
        assert!(best.failure.is_none());
        assert_eq!(best.latency, Duration::from_millis(4));
    }

    #[test]
    fn it_is_down_without_instances_or_when_none_answers() {
        let down = judge("web", &[], Vec::new()).failure.unwrap();
        assert_eq!((down.kind, down.text.as_str()), (ErrorKind::NoInstance, "no instance of web is running"));
        let addresses = ["a:1".to_owned(), "b:2".to_owned()];
        let down = judge("web", &addresses, vec![seen(1, Some("refused")), seen(2, Some("no answer"))]);
        assert_eq!(down.failure.unwrap().text, "no instance of web answers: a:1: refused; b:2: no answer");
    }
}
