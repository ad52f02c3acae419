//! Maps errors of the HTTP stack to a fixed kind and plain words.

use std::{error::Error, io, time::Duration};

use fetch::{FollowError, RedirectError, ResolveError, explain_tls, lookup_words};
use models::ErrorKind;

/// The longest text that is kept, in characters.
const TEXT_LIMIT: usize = 500;

/// Why a fetch is not good: a kind for machines, a text for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// The fixed kind.
    pub kind: ErrorKind,
    /// What happened, in plain words.
    pub text: String,
}

impl Failure {
    pub(crate) fn bad_url(text: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadUrl, text: text.into() }
    }

    pub(crate) fn private(host: Option<&str>) -> Self {
        let text = format!("{} is a private address, and those are not watched", host.unwrap_or_default());
        Self { kind: ErrorKind::PrivateAddress, text }
    }

    pub(crate) fn timeout(what: &str, limit: Duration) -> Self {
        Self { kind: ErrorKind::Timeout, text: format!("{what} within {limit:?}") }
    }
}

impl From<&FollowError> for Failure {
    fn from(error: &FollowError) -> Self {
        match error {
            FollowError::Client(error) => classify(error),
            FollowError::Redirect(error) => {
                let kind = match error {
                    RedirectError::Private(_) => ErrorKind::PrivateAddress,
                    _ => ErrorKind::Redirect,
                };
                failure(kind, &error.to_string())
            }
        }
    }
}

/// What an error of the client means. The innermost cause that says something wins.
pub(crate) fn classify(error: &reqwest::Error) -> Failure {
    let mut last = error.to_string();
    for cause in causes(error) {
        last = cause.to_string();
        if let Some((kind, text)) = recognise(cause) {
            return failure(kind, &text);
        }
    }
    if error.is_timeout() {
        return failure(ErrorKind::Timeout, "the connection timed out");
    }
    if error.is_decode() {
        return failure(ErrorKind::Protocol, &format!("cannot read the compressed answer: {last}"));
    }
    if error.is_builder() {
        return failure(ErrorKind::BadUrl, &last);
    }
    failure(ErrorKind::Connection, &format!("the connection failed: {last}"))
}

fn failure(kind: ErrorKind, text: &str) -> Failure {
    let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_LIMIT).collect();
    Failure { kind, text }
}

fn recognise(cause: &(dyn Error + 'static)) -> Option<(ErrorKind, String)> {
    if let Some(error) = cause.downcast_ref::<ResolveError>() {
        return Some(match error {
            ResolveError::Private(_) => (ErrorKind::PrivateAddress, error.to_string()),
            ResolveError::Empty(_) => (ErrorKind::Dns, error.to_string()),
            ResolveError::Lookup { source, .. } => match source.downcast_ref::<io::Error>() {
                Some(source) => (ErrorKind::Dns, format!("{error}: {}", lookup_words(source))),
                None => (ErrorKind::Dns, format!("{error}: {source}")),
            },
        });
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some((ErrorKind::Tls, explain_tls(error)));
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        if error.is_parse() {
            return Some((ErrorKind::Protocol, format!("what came back is not HTTP: {error}")));
        }
        if error.is_incomplete_message() {
            return Some((
                ErrorKind::Connection,
                "the connection was closed before the answer ended".to_owned(),
            ));
        }
        return None;
    }
    network(cause.downcast_ref::<io::Error>()?)
}

fn network(error: &io::Error) -> Option<(ErrorKind, String)> {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Some(broken_off());
    }
    // One that wraps another error says less than that one.
    error.raw_os_error()?;
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (ErrorKind::Refused, "the connection was refused: nothing listens there".to_owned())
        }
        io::ErrorKind::TimedOut => (ErrorKind::Timeout, "the connection timed out".to_owned()),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            (ErrorKind::Connection, "the connection was reset by the other side".to_owned())
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            (ErrorKind::Connection, "the host cannot be reached".to_owned())
        }
        _ => (ErrorKind::Connection, format!("the connection failed: {error}")),
    })
}

fn broken_off() -> (ErrorKind, String) {
    (ErrorKind::Connection, "the connection was closed before the answer ended".to_owned())
}

/// An error and what caused it, and so on.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// What caused an error. An `io::Error` that wraps another hides it from `source`.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
