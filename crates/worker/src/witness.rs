//! Whether it is our own network that is gone.
//!
//! A service that cannot be reached may be down, or this worker may be cut off from everything. Witnesses are addresses
//! that nearly always answer; they are asked only when a service could not be reached.

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use fetch::{ClientError, Clients};
use reqwest::Client;
use tokio::sync::Mutex;
use url::Url;

/// The variable that names them.
pub(crate) const VARIABLE: &str = "WITNESSES";
/// How long a witness has to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// What was just seen is not asked again at once: pings that fail may be many.
const HOLDS: Duration = Duration::from_secs(1);

/// Addresses, separated by commas. A person who sets up the worker names them, so private ones are allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses(Vec<Url>);

/// Why a list of witnesses cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address such as https://example.com/: {1}")]
pub struct AddressFault(String, String);

impl FromStr for Addresses {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<Self, AddressFault> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let url = |part: &str| {
            egress::parse_url(part).map_err(|fault| AddressFault(part.to_owned(), fault.to_string()))
        };
        parts.map(url).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.0.iter().map(Url::as_str).collect();
        f.write_str(&all.join(","))
    }
}

/// Asks the witnesses, one question at a time for all pings.
#[derive(Debug, Clone)]
pub(crate) struct Witnesses {
    client: Client,
    addresses: Addresses,
    last: Arc<Mutex<Option<Answer>>>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    asked_at: Instant,
    had_at: Instant,
    is_connected: bool,
}

impl Answer {
    /// Whether it says something of a ping of this time. A network that was gone when the ping began, or later, explains its
    /// failure; one that was there explains nothing unless it still was at the end.
    fn holds(self, begun: Instant, ended: Instant) -> bool {
        if self.is_connected { self.asked_at + HOLDS >= ended } else { self.had_at + HOLDS >= begun }
    }
}

impl Witnesses {
    pub(crate) fn new(clients: &Clients, addresses: Addresses) -> Result<Self, ClientError> {
        Ok(Self { client: clients.unguarded()?, addresses, last: Arc::default() })
    }

    /// Whether there was a network for a ping that failed: one of the witnesses answers, whatever it says. Where none is
    /// named, nobody can know better.
    pub(crate) async fn saw_a_network(&self, begun: Instant, ended: Instant) -> bool {
        if self.addresses.0.is_empty() {
            return true;
        }
        let mut last = self.last.lock().await;
        if let Some(answer) = last.filter(|answer| answer.holds(begun, ended)) {
            return answer.is_connected;
        }
        let asked_at = Instant::now();
        let is_connected = self.ask().await;
        match (last.is_none_or(|last| last.is_connected), is_connected) {
            (true, false) => {
                tracing::warn!(
                    "no witness answers: services that cannot be reached are not counted as failed"
                );
            }
            (false, true) => tracing::info!("a witness answers again: failures are counted"),
            _ => {}
        }
        *last = Some(Answer { asked_at, had_at: Instant::now(), is_connected });
        is_connected
    }

    async fn ask(&self) -> bool {
        let asked = self.addresses.0.iter().map(|url| {
            let request = self.client.get(url.clone()).timeout(PATIENCE).send();
            Box::pin(async move { request.await.map(drop) })
        });
        futures_util::future::select_ok(asked).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_faults_named() {
        let two: Addresses = "https://example.com/, http://192.0.2.1:8080/up,".parse().unwrap();
        assert_eq!(two.0.len(), 2);
        assert_eq!("".parse(), Ok(Addresses::default()));
        let fault = "https://example.com/,nonsense".parse::<Addresses>().unwrap_err();
        assert!(fault.to_string().contains("\"nonsense\""), "{fault}");
    }

    #[test]
    fn an_answer_holds_for_what_it_can_explain() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let answer = |is_connected| Answer { asked_at: at(5), had_at: at(8), is_connected };
        let (there, gone) = (answer(true), answer(false));
        // A ping from second 2 to second 12 during which the network went away.
        assert!(gone.holds(at(2), at(12)) && !there.holds(at(2), at(12)));
        assert!(gone.holds(at(9), at(9)) && !gone.holds(at(10), at(10)));
        assert!(there.holds(at(2), at(4)) && there.holds(at(2), at(6)) && !there.holds(at(7), at(7)));
    }
}
