//! Fetching what a person asked to be watched, without trusting any of it.
//!
//! Addresses are checked when they are connected to (`guard`), redirects at each hop, the answer is read up
//! to a limit (`body`), and whatever goes wrong becomes a [`Failure`] with a fixed kind and plain words.

mod body;
mod client;
mod failure;
mod guard;
mod tls;

use std::{
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use models::{ErrorKind, Service, target};
use reqwest::{Client, Method, Response};
use tokio::time::timeout_at;
use url::Url;

pub use client::{ClientError, Clients};
pub use failure::Failure;
pub(crate) use failure::classify;

/// What is asked for, and which answer is good.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// How to ask.
    pub method: Method,
    /// The time for everything: name, connection, redirects, answer.
    pub timeout: Duration,
    /// The statuses that are good.
    pub expected_status: RangeInclusive<u16>,
    /// A text that must be in the answer.
    pub expected_text: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// What a service's row asks for.
    #[must_use]
    pub fn of(service: &'a Service) -> Self {
        let status = |stored: i16| u16::try_from(stored).unwrap_or_default();
        Self {
            method: Method::from_bytes(service.method.as_bytes()).unwrap_or(Method::GET),
            timeout: Duration::from_millis(service.timeout_ms.unsigned_abs().into()),
            expected_status: status(service.expected_status_min)..=status(service.expected_status_max),
            expected_text: service.expected_text.as_deref(),
        }
    }
}

/// What a fetch saw.
#[derive(Debug)]
pub struct Seen {
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// From the start until the answer was read or given up.
    pub latency: Duration,
    /// Why it is not good, if it is not.
    pub failure: Option<Failure>,
}

impl Seen {
    /// A failure before anything was sent.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self { status: None, latency: Duration::ZERO, failure: Some(failure) }
    }
}

/// Fetches services. Every fetch opens a connection of its own: a name, a certificate or a listener that went
/// bad is noticed, not hidden behind a connection that still stands.
#[derive(Debug, Clone)]
pub struct Fetcher {
    guarded: Client,
    own: Client,
    allow_private_addresses: bool,
}

impl Fetcher {
    /// A fetcher with the rules of `clients`.
    ///
    /// # Errors
    /// When the HTTP clients cannot be made.
    pub fn new(clients: &Clients) -> Result<Self, ClientError> {
        let allow_private_addresses = clients.allow_private_addresses();
        Ok(Self { guarded: clients.following()?, own: clients.own()?, allow_private_addresses })
    }

    /// Fetches an address that a person gave.
    pub async fn fetch(&self, url: &str, target: &Target<'_>) -> Seen {
        let checked = target::parse_url(url).map_err(|fault| Failure::bad_url(fault.to_string()));
        let checked = checked.and_then(|url| match target::check_host(&url) {
            Err(_) if !self.allow_private_addresses => Err(Failure::private(url.host_str())),
            _ => Ok(url),
        });
        match checked {
            Ok(url) => get(&self.guarded, url, target).await,
            Err(failure) => Seen::failed(failure),
        }
    }

    /// Asks one of the application's own processes, wherever its row says it answers.
    pub(crate) async fn fetch_own(&self, address: &str, target: &Target<'_>) -> Seen {
        match Url::parse(&format!("http://{address}/livez")) {
            Ok(url) => get(&self.own, url, target).await,
            Err(_) => Seen::failed(Failure::bad_url(format!("{address} is no address"))),
        }
    }
}

async fn get(client: &Client, url: Url, target: &Target<'_>) -> Seen {
    let started = Instant::now();
    let deadline = tokio::time::Instant::from_std(started) + target.timeout;
    let request = client.request(target.method.clone(), url);
    let (status, failure) = match timeout_at(deadline, request.send()).await {
        Err(_) => (None, Some(Failure::timeout("no answer came", target.timeout))),
        Ok(Err(error)) => (None, Some(classify(&error))),
        Ok(Ok(answer)) => {
            let status = answer.status().as_u16();
            let judged = timeout_at(deadline, judge(answer, target)).await;
            let late = |_| Err(Failure::timeout("the answer began but had not ended", target.timeout));
            (Some(status), judged.unwrap_or_else(late).err())
        }
    };
    Seen { status, latency: started.elapsed(), failure }
}

/// The status first: it says more than a body that belongs to it.
async fn judge(answer: Response, target: &Target<'_>) -> Result<(), Failure> {
    let status = answer.status();
    let (low, high) = (target.expected_status.start(), target.expected_status.end());
    if !target.expected_status.contains(&status.as_u16()) {
        let expected = if low == high { low.to_string() } else { format!("{low} to {high}") };
        let text = format!("the answer was {status}, expected was {expected}");
        return Err(Failure { kind: ErrorKind::UnexpectedStatus, text });
    }
    body::read(answer, target.expected_text).await
}
