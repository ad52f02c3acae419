//! Notifies people without using the queue.

use std::time::Duration;

use process::Secret;
use reqwest::Client;
use serde_json::json;

use super::probe::cause;
use crate::actions::Action;

const LIMIT: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;

/// Posts an action to a webhook; what happened to it, in words that do not show its address.
pub(crate) async fn post(client: &Client, webhook: &Secret, action: &Action) -> String {
    let body = json!({
        "subject": action.subject,
        "action": action.action,
        "reason": action.reason,
        "at": action.at,
        "told_by": action.asked_by,
        "measured": action.measured,
    });
    let mut last = String::new();
    for attempt in 1..=TRIES {
        let request = client.post(webhook.expose()).header("content-type", "application/json");
        match request.timeout(LIMIT).body(body.to_string()).send().await {
            Ok(answer) if answer.status().is_success() => {
                return format!("notified the webhook, attempt {attempt}: {}", answer.status());
            }
            Ok(answer) => last = answer.status().to_string(),
            Err(error) => last = cause(&error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    format!("could not notify the webhook in {TRIES} attempts: {last}")
}

/// Tells the dead man's switch that all is well.
pub(crate) async fn all_is_well(client: &Client, switch: &Secret) -> Result<(), String> {
    match client.get(switch.expose()).timeout(LIMIT).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("DEADMAN_URL answers {}", answer.status())),
        Err(error) => Err(format!("DEADMAN_URL: {}", cause(&error))),
    }
}
