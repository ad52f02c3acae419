//! An order as an action of the ledger, and in words.

use chrono::Utc;
use platform::place::{Ended, Which};
use uuid::Uuid;
use workspace::control::{Done, Failure, Order, What};

use super::ledger::Action;

/// The action of an order that has begun.
pub(super) fn of(order: &Order) -> Action {
    Action {
        id: Uuid::now_v7(),
        at: Utc::now(),
        subject: subject(&order.what),
        action: name(&order.what).to_owned(),
        asked_by: order.why.asked_by.clone(),
        reason: order.why.reason.clone(),
        measured: serde_json::json!({ "order": order.what }),
        outcome: "begun".to_owned(),
    }
}

/// How it ended.
pub(super) fn outcome(done: &Result<Done, Failure>) -> String {
    match done {
        Ok(Done::Ended(Ended { code: Some(code), .. })) => format!("exit code {code}"),
        Ok(Done::Ended(_)) => "ended by a signal".to_owned(),
        Ok(Done::Done | Done::Compared(_)) => "done".to_owned(),
        Err(failure) => failure.to_string(),
    }
}

/// What an action is about: a process, one instance of it, or the host itself.
fn subject(what: &What) -> String {
    match (what, what.process()) {
        (What::Restart { which: Which::One(instance), .. }, _) => instance.clone(),
        (_, Some(process)) => process.to_owned(),
        (_, None) => "host".to_owned(),
    }
}

fn name(what: &What) -> &'static str {
    match what {
        What::Put { .. } => "put",
        What::Compare { .. } => "compare",
        What::Canary { .. } => "canary",
        What::EndCanary { .. } => "end canary",
        What::Scale { .. } => "scale",
        What::Restart { .. } => "restart",
        What::RunOnce { .. } => "run",
        What::Replace { .. } => "replace",
    }
}

/// What the host is busy with, for its status.
pub(super) fn in_words(order: &Order) -> String {
    format!("{}, for {}: {}", order.what, order.why.asked_by, order.why.reason)
}
