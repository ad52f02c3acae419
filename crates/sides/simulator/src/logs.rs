//! The output of dynos.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{Answer, created},
    state::{LogSession, State},
};

pub(crate) fn create(state: &mut State, name: &str, body: &Value) -> Answer {
    let id = Uuid::new_v4();
    let lines = usize::try_from(body["lines"].as_u64().unwrap_or(100)).unwrap_or(100);
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let session = LogSession { app: name.to_owned(), lines, dyno: text("dyno_name"), kind: text("type") };
    state.log_sessions.insert(id.to_string(), session);
    created(json!({"id": id, "logplex_url": format!("http://{}/logs/{id}?srv=1", state.address)}))
}

/// The text behind `logplex_url`.
pub(crate) fn text(state: &State, id: &str) -> Option<String> {
    let session = state.log_sessions.get(id)?;
    let app = state.apps.get(&session.app)?;
    let wanted = app.log.iter().filter(|line| {
        session.dyno.as_ref().is_none_or(|dyno| line.dyno == *dyno)
            && session.kind.as_ref().is_none_or(|kind| line.dyno.split('.').next() == Some(kind))
    });
    let lines: Vec<&str> = wanted.map(|line| line.text.as_str()).collect();
    let from = lines.len().saturating_sub(session.lines);
    Some(lines[from..].iter().map(|line| format!("{line}\n")).collect())
}
