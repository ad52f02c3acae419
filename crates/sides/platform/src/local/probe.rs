//! Whether an instance answers: a real request, never a bound port.
//!
//! Its `/readyz` is on a port of its own. The public socket may be shared with others of its process, so what comes from
//! there counts only when the answer names this instance, or when nobody else can have given it.

use std::{error::Error as _, net::SocketAddr, time::Duration};

use crate::prober::INSTANCE_HEADER;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// A status is short.
const LONGEST_STATUS: usize = 1 << 20;

/// How often the public socket is asked until this instance answers. Where others answer more eagerly, `/readyz` alone
/// decides.
const TRIES: u32 = 5;

/// The requests that must all succeed.
pub(super) struct Probe {
    client: reqwest::Client,
    ready: String,
    page: Option<String>,
    instance: String,
}

impl Probe {
    pub(super) fn new(
        client: reqwest::Client,
        ops: SocketAddr,
        page: Option<SocketAddr>,
        instance: String,
    ) -> Self {
        let page = page.map(|page| format!("http://{}/", reachable(page)));
        Self { client, ready: format!("http://{ops}/readyz"), page, instance }
    }

    /// Asks once; the error says in a few words what is missing. `is_alone` says that no other instance has the public
    /// socket.
    pub(super) async fn ask(&self, is_alone: bool) -> Result<(), String> {
        verdict(&self.ready, self.get(&self.ready).await?).await?;
        let Some(page) = &self.page else { return Ok(()) };
        for _ in 0..TRIES {
            let answer = match self.get(page).await {
                Ok(answer) => answer,
                Err(reason) if is_alone => return Err(reason),
                Err(_) => continue,
            };
            let by =
                answer.headers().get(INSTANCE_HEADER).map(|by| by.as_bytes() == self.instance.as_bytes());
            match by {
                Some(true) => return verdict(page, answer).await,
                None if is_alone => return verdict(page, answer).await,
                None => return Ok(()),
                Some(false) => {}
            }
        }
        Ok(())
    }

    /// Over a connection of its own: a kept one would lead to whoever accepted it.
    async fn get(&self, target: &str) -> Result<reqwest::Response, String> {
        let request = self.client.get(target).header(reqwest::header::CONNECTION, "close").timeout(PATIENCE);
        request.send().await.map_err(|error| in_words(&error))
    }
}

async fn verdict(target: &str, mut response: reqwest::Response) -> Result<(), String> {
    let status = response.status();
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    let body = response.chunk().await.ok().flatten().unwrap_or_default();
    Err(format!("{target} says {}{}", status.as_u16(), first_words(&body)))
}

/// How many tasks an instance is busy with, as its `/status` says; `None` when it does not.
pub(super) async fn busy(client: &reqwest::Client, ops: SocketAddr) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Busy {
        busy: Option<u64>,
    }
    let mut response = client.get(format!("http://{ops}/status")).timeout(PATIENCE).send().await.ok()?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_STATUS {
            return None;
        }
    }
    serde_json::from_slice::<Busy>(&body).ok()?.busy
}

/// Listening on every address means answering on loopback too.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

fn in_words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut deepest = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        deepest = cause.to_string();
        source = cause.source();
    }
    deepest
}

fn first_words(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.starts_with('<') { String::new() } else { format!(": {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_asked_on_loopback() {
        for (bound, asked) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("127.0.0.2:80", "127.0.0.2:80")]
        {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), asked);
        }
    }

    #[test]
    fn a_reason_is_short_and_no_page() {
        assert_eq!(first_words(b"database:\n  starting "), ": database: starting");
        assert_eq!(first_words(b"<html>"), "");
        assert!(first_words(&[b'x'; 9000]).len() < 300);
    }
}
