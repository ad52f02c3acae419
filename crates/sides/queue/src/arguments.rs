//! A job's arguments as they lie in `metadata`, the form that fang's typetag reads and writes.
//!
//! `{"type": kind, …arguments}` where the arguments are an object that leaves those names free; otherwise
//! `{"type": kind, "$arguments": …}`.

use serde_json::{Map, Value};

const KIND: &str = "type";
const WRAPPED: &str = "$arguments";

/// The largest metadata an enqueuer may write, in bytes of JSON.
pub(crate) const LIMIT: usize = 1 << 20;

/// Why arguments cannot be stored.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsFault {
    /// Postgres cannot store the character U+0000 in JSON.
    #[error("a text at {0} holds the character U+0000, which Postgres cannot store; remove it")]
    Nul(String),
    /// Too large for a queue.
    #[error("are {0} bytes of JSON, and at most {LIMIT} may be queued; store the data and enqueue its id")]
    Size(usize),
    /// The reader would refuse them.
    #[error("are nested deeper than 100 levels; flatten them or store them and enqueue their id")]
    Depth,
}

/// The metadata of a job.
pub(crate) fn to_metadata(kind: &str, arguments: Value) -> Result<Value, ArgumentsFault> {
    let mut metadata = match arguments {
        Value::Object(map) if !map.contains_key(KIND) && !map.contains_key(WRAPPED) => map,
        other => Map::from_iter([(WRAPPED.to_owned(), other)]),
    };
    check_fields(&metadata)?;
    metadata.insert(KIND.to_owned(), Value::String(kind.to_owned()));
    Ok(Value::Object(metadata))
}

/// Whether a metadata that somebody else has made can be stored.
#[cfg(feature = "fang")]
pub(crate) fn check_metadata(metadata: &Value) -> Result<(), ArgumentsFault> {
    metadata.as_object().map_or(Ok(()), check_fields)
}

fn check_fields(metadata: &Map<String, Value>) -> Result<(), ArgumentsFault> {
    for (key, value) in metadata {
        check(value, key, 1)?;
        if key.contains('\0') {
            return Err(ArgumentsFault::Nul("a field's name".to_owned()));
        }
    }
    Ok(())
}

/// The arguments in a metadata.
pub(crate) fn from_metadata(metadata: Value) -> Value {
    match metadata {
        Value::Object(mut map) => match map.remove(WRAPPED) {
            Some(wrapped) => wrapped,
            None => {
                map.remove(KIND);
                Value::Object(map)
            }
        },
        other => other,
    }
}

fn check(value: &Value, path: &str, depth: usize) -> Result<(), ArgumentsFault> {
    if depth > 100 {
        return Err(ArgumentsFault::Depth);
    }
    match value {
        Value::String(text) if text.contains('\0') => Err(ArgumentsFault::Nul(format!("`{path}`"))),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check(item, &format!("{path}[{index}]"), depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            if key.contains('\0') {
                return Err(ArgumentsFault::Nul(format!("a field's name in `{path}`")));
            }
            check(item, &format!("{path}.{key}"), depth + 1)
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_comes_back_as_it_went_in() {
        for arguments in [
            json!({"id": 7}),
            json!({"type": "a field of the same name"}),
            json!({"$arguments": 1}),
            json!([1, 2]),
            json!(null),
            json!("text"),
            json!({}),
        ] {
            let metadata = to_metadata("greet", arguments.clone()).unwrap();
            assert_eq!(metadata["type"], "greet");
            assert_eq!(from_metadata(metadata), arguments);
        }
    }

    #[test]
    fn what_postgres_or_the_reader_would_refuse_is_named() {
        let fault = to_metadata("greet", json!({"to": [{"name": "a\0b"}]})).unwrap_err();
        assert_eq!(fault, ArgumentsFault::Nul("`to[0].name`".to_owned()));
        let mut deep = json!(1);
        for _ in 0..101 {
            deep = json!([deep]);
        }
        assert_eq!(to_metadata("greet", deep).unwrap_err(), ArgumentsFault::Depth);
    }
}
