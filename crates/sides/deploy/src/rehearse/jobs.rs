//! Generated jobs during a rehearsal.

use std::time::Duration;

use database::DatabaseUrl;
use planner::Manifest;
use serde_json::{Map, Value, json};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;

/// Some are always waiting or running, and nobody is overwhelmed.
const PAUSE: Duration = Duration::from_millis(250);

const ENQUEUE: &str = "SELECT sides.enqueue($1, $2::text::jsonb, version => $3::integer)";

/// Enqueues until it is dropped.
pub(crate) struct Load(#[expect(dead_code, reason = "held")] AbortOnDropHandle<()>);

/// A job as it is enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    kind: String,
    arguments: String,
    version: i32,
}

impl Load {
    /// One job of each kind after the other.
    pub(crate) fn start(url: &DatabaseUrl, manifests: Vec<Manifest>) -> Self {
        let url = url.with_application_name("sides rehearse");
        Self(AbortOnDropHandle::new(tokio::spawn(async move {
            let made = made(&manifests);
            let Ok(client) = database::client(&url).await else { return };
            for job in made.iter().cycle() {
                // Before its first migration there is no queue.
                drop(client.execute(ENQUEUE, &[&job.kind, &job.arguments, &job.version]).await);
                time::sleep(PAUSE).await;
            }
        })))
    }
}

/// A job of each kind that every worker of it reads and whose arguments can be made up.
fn made(manifests: &[Manifest]) -> Vec<Made> {
    let enqueued =
        manifests.iter().flat_map(|manifest| manifest.enqueues.iter().map(move |kind| (manifest, kind)));
    let mut made: Vec<Made> = Vec::new();
    for (manifest, (kind, version)) in enqueued {
        let mut handlers = manifests.iter().filter_map(|one| one.handler_of(kind)).peekable();
        if handlers.peek().is_none() || !handlers.all(|handler| handler.accepts(*version)) {
            continue;
        }
        let Some(arguments) = manifest.arguments.get(kind).and_then(arguments) else { continue };
        let job = Made {
            kind: kind.clone(),
            arguments: Value::Object(arguments).to_string(),
            version: i32::from(*version),
        };
        if !made.contains(&job) {
            made.push(job);
        }
    }
    made
}

/// Values of the fields' types; nothing where one cannot be made up.
fn arguments(shape: &planner::Arguments) -> Option<Map<String, Value>> {
    let mut all = Map::new();
    for (field, kind) in shape.iter().filter(|(_, kind)| !kind.ends_with('?')) {
        let value = match kind.as_str() {
            "integer" | "number" => json!(0),
            "string" => json!("rehearsal"),
            "boolean" => json!(false),
            "array" => json!([]),
            "object" => json!({}),
            "any" | "null" => Value::Null,
            _ => return None,
        };
        all.insert(field.clone(), value);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn jobs_are_made_of_kinds_that_everybody_reads() {
        let mut web = Manifest::new("web", "a");
        web.enqueues =
            BTreeMap::from([("greet".to_owned(), 1), ("lost".to_owned(), 1), ("newer".to_owned(), 2)]);
        let shape: planner::Arguments = BTreeMap::from([
            ("id".to_owned(), "integer".to_owned()),
            ("note".to_owned(), "string?".to_owned()),
        ]);
        for kind in ["greet", "lost", "newer"] {
            web.arguments.insert(kind.to_owned(), shape.clone());
        }
        let mut worker = Manifest::new("worker", "b");
        let handled = planner::Handled { newest: 1, oldest: 1, aliases: Default::default() };
        worker.handles =
            BTreeMap::from([("greet".to_owned(), handled.clone()), ("newer".to_owned(), handled)]);
        let jobs = made(&[web, worker]);
        let greet = Made { kind: "greet".to_owned(), arguments: r#"{"id":0}"#.to_owned(), version: 1 };
        assert_eq!(jobs, [greet]);
        assert_eq!(arguments(&BTreeMap::from([("how".to_owned(), "enum".to_owned())])), None);
    }
}
