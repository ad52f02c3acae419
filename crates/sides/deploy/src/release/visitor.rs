//! A client of web's public address: over TLS, and through the proxy that the environment names.

use std::time::Duration;

use async_trait::async_trait;
use platform::prober::{Asked, Prober, RELEASE_HEADER, Visitor};
use reqwest::{StatusCode, redirect::Policy};

/// One that opens a connection for each request, and one that keeps its own. It is somebody else's router, so few.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks this address until it is ended.
pub(super) fn start(url: &str) -> anyhow::Result<Prober> {
    let mut visitors = Vec::new();
    for kept in [0, 1] {
        // Every request counts, and none is repeated.
        let client = reqwest::Client::builder().pool_max_idle_per_host(kept).redirect(Policy::none());
        let client = client.retry(reqwest::retry::never()).build()?;
        visitors.push(Box::new(Public { client, url: url.to_owned() }) as Box<dyn Visitor>);
    }
    Ok(Prober::of(visitors, PAUSE))
}

struct Public {
    client: reqwest::Client,
    url: String,
}

#[async_trait]
impl Visitor for Public {
    async fn ask(&mut self) -> Asked {
        let answer = match self.client.get(&self.url).send().await {
            Ok(answer) => answer,
            Err(error) => return Asked::unanswered(said(&error)),
        };
        let status = answer.status();
        let release =
            answer.headers().get(RELEASE_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let failure = match answer.bytes().await {
            Err(error) => Some(format!("the body was cut off: {}", said(&error))),
            Ok(_) if status == StatusCode::OK => None,
            Ok(_) => Some(format!("answered {status}")),
        };
        Asked { release, failure }
    }
}

/// The deepest reason: what stands above it repeats the address.
fn said(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(deeper) = source.source() {
        source = deeper;
    }
    source.to_string()
}
