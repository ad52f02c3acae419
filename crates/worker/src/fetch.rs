//! Fetching what a person asked to be watched, without trusting any of it.
//!
//! Addresses are checked when they are connected to and redirects at each hop (`sides-fetch`), the answer is read
//! up to a limit (`body`), and whatever goes wrong becomes a [`Failure`] with a fixed kind and plain words.

mod body;
mod charset;
mod failure;

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use egress::Egress;
use fetch::follow;
pub use fetch::{ClientError, Clients};
use models::{ErrorKind, Service};
use reqwest::{Client, Method, Response};
use tokio::time::timeout_at;
use url::Url;

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

impl Seen {
    /// Whether nothing came back, which says as much of the network as of the service.
    #[must_use]
    pub fn was_out_of_reach(&self) -> bool {
        use ErrorKind::{Connection, Dns, Refused, Timeout, Tls};
        let kind = self.failure.as_ref().map(|failure| failure.kind);
        self.status.is_none() && matches!(kind, Some(Dns | Refused | Connection | Timeout | Tls))
    }
}

/// Who asks.
pub(crate) const USER_AGENT: &str = concat!("sides/", env!("CARGO_PKG_VERSION"), " (status monitor)");

/// Fetches services. Every fetch opens a connection of its own: a name, a certificate or a listener that went
/// bad is noticed, not hidden behind a connection that still stands.
#[derive(Debug, Clone)]
pub struct Fetcher {
    guarded: Client,
    own: Client,
    egress: Arc<Egress>,
}

impl Fetcher {
    /// A fetcher with the rules of `clients`.
    ///
    /// # Errors
    /// When the HTTP clients cannot be made.
    pub fn new(clients: &Clients) -> Result<Self, ClientError> {
        let egress = Arc::clone(clients.egress());
        Ok(Self { guarded: clients.guarded()?, own: clients.unguarded()?, egress })
    }

    /// Fetches an address that a person gave.
    pub async fn fetch(&self, url: &str, target: &Target<'_>) -> Seen {
        let checked = egress::parse_url(url).map_err(|fault| Failure::bad_url(fault.to_string()));
        let checked = checked.and_then(|url| match self.egress.check_host(&url) {
            Err(_) => Err(Failure::private(url.host_str())),
            Ok(()) => Ok(url),
        });
        match checked {
            Ok(url) => get(&self.guarded, &self.egress, url, target).await,
            Err(failure) => Seen::failed(failure),
        }
    }

    /// Asks one of the application's own processes, wherever its row says it answers.
    pub(crate) async fn fetch_own(&self, address: &str, target: &Target<'_>) -> Seen {
        match Url::parse(&format!("http://{address}/livez")) {
            Ok(url) => get(&self.own, &self.egress, url, target).await,
            Err(_) => Seen::failed(Failure::bad_url(format!("{address} is not an address"))),
        }
    }
}

async fn get(client: &Client, egress: &Egress, url: Url, target: &Target<'_>) -> Seen {
    let started = Instant::now();
    let deadline = tokio::time::Instant::from_std(started) + target.timeout;
    let asked = follow(client, egress, target.method.clone(), url);
    let (status, failure) = match timeout_at(deadline, asked).await {
        Err(_) => (None, Some(Failure::timeout("no answer came", target.timeout))),
        Ok(Err(error)) => (None, Some(Failure::from(&error))),
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
