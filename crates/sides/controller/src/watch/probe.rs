//! Probes one instance, over its ops server and its public address.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use super::detector::Observation;
use crate::inventory::Instance;

const LIMIT: Duration = Duration::from_secs(2);

/// Probes one instance. `heard` says whether the database can still tell that it was heard of.
pub(crate) async fn probe(client: &Client, host: &str, instance: &Instance, heard: bool) -> Observation {
    let is_heard_of = heard && instance.is_heard_of();
    if !instance.is_askable_from(host) {
        // Its ops server answers on its own machine only: its heartbeat is all there is.
        return match (heard, is_heard_of) {
            (true, false) => Observation::Down(format!("no heartbeat for {} s", instance.silence)),
            _ => Observation::Well,
        };
    }
    match ask_ops(client, instance).await {
        Answer::Well if instance.state == "draining" => Observation::Well,
        Answer::Well => ask_public(client, instance).await,
        Answer::Unwell(reason) => Observation::Down(reason),
        // It said that it would go.
        Answer::Silent(_) if instance.state == "draining" => Observation::Well,
        Answer::Silent(reason) if is_heard_of => Observation::Unreachable(format!(
            "{reason}; but its heartbeat is fresh: the network path may be down"
        )),
        Answer::Silent(reason) if heard => {
            Observation::Down(format!("{reason}; no heartbeat for {} s", instance.silence))
        }
        Answer::Silent(reason) => Observation::Down(format!("{reason}; nobody else can be asked")),
    }
}

enum Answer {
    Well,
    Unwell(String),
    Silent(String),
}

async fn ask_ops(client: &Client, instance: &Instance) -> Answer {
    let address = &instance.ops_address;
    let live = client.get(format!("http://{address}/livez")).timeout(LIMIT).send().await;
    let live = match live {
        Ok(answer) => answer,
        Err(error) => return Answer::Silent(format!("{address} does not answer: {}", cause(&error))),
    };
    if !live.status().is_success() {
        let status = live.status();
        let body = live.text().await.unwrap_or_default();
        return Answer::Unwell(format!("it answers {status}: {}", body.trim().replace('\n', "; ")));
    }
    // A port is soon another one's.
    let status = client.get(format!("http://{address}/status")).timeout(LIMIT).send().await;
    let status: Value = match status {
        Ok(answer) => {
            answer.text().await.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
        }
        Err(error) => return Answer::Silent(format!("{address} does not answer: {}", cause(&error))),
    };
    if status["instance"] != instance.id.to_string() {
        return Answer::Silent(format!("{address} is another process by now"));
    }
    Answer::Well
}

/// Any answer counts: what it says is the business of who watches the site.
async fn ask_public(client: &Client, instance: &Instance) -> Observation {
    let Some(address) = &instance.public_address else { return Observation::Well };
    match client.get(format!("http://{address}/")).timeout(LIMIT).send().await {
        Ok(_) => Observation::Well,
        Err(error) => {
            Observation::Down(format!("it lives, but {address} does not answer: {}", cause(&error)))
        }
    }
}

/// The innermost cause: reqwest's own text repeats the address.
pub(super) fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("nothing within {} s", LIMIT.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
