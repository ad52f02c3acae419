//! What Heroku publishes of its interface: which calls there are, what is sent, what comes back.
//!
//! `endpoints.json` is an extract of facts from the hyper-schema that Heroku publishes for its platform API (version
//! 3): methods, paths, types, patterns and required fields of the calls used here, references resolved, without texts.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// One call.
pub(crate) struct Endpoint {
    pub(crate) method: String,
    pub(crate) path: String,
    request: Option<jsonschema::Validator>,
    answer: Option<(Value, jsonschema::Validator)>,
}

static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let all: Vec<Value> = serde_json::from_str(include_str!("endpoints.json")).expect("the extract is JSON");
    all.iter().map(Endpoint::read).collect()
});

impl Endpoint {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().expect("a text").to_owned();
        let request = (!value["request"].is_null()).then(|| validator(&value["request"]));
        let answer =
            (!value["answer"].is_null()).then(|| (value["answer"].clone(), validator(&value["answer"])));
        Self { method: text("method"), path: text("path"), request, answer }
    }

    /// The call that a request makes, and what stands in the path's places.
    pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Self, Vec<String>)> {
        ENDPOINTS.iter().find_map(|endpoint| {
            let places = endpoint.matches(path).filter(|_| endpoint.method == method)?;
            Some((endpoint, places))
        })
    }

    fn matches(&self, path: &str) -> Option<Vec<String>> {
        let (wanted, given): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        if wanted.len() != given.len() {
            return None;
        }
        let mut places = Vec::new();
        for (wanted, given) in wanted.iter().zip(&given) {
            match wanted.starts_with('{') {
                true if !given.is_empty() => places.push((*given).to_owned()),
                false if wanted == given => {}
                _ => return None,
            }
        }
        Some(places)
    }

    /// What is wrong with a request.
    pub(crate) fn faults_of_request(&self, body: &Value) -> Vec<String> {
        match &self.request {
            None if body.is_null() || *body == json!({}) => Vec::new(),
            None => vec!["a body where none belongs".to_owned()],
            Some(validator) => faults(validator, body),
        }
    }

    /// The answer with every field that Heroku would send, held against the schema.
    pub(crate) fn complete(&self, mut answer: Value) -> Result<Value, Vec<String>> {
        let Some((schema, validator)) = &self.answer else { return Ok(answer) };
        fill(&mut answer, schema);
        match faults(validator, &answer) {
            faults if faults.is_empty() => Ok(answer),
            faults => Err(faults),
        }
    }
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft4::options().should_validate_formats(true).build(schema).expect("a schema")
}

fn faults(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Adds what the schema names and the value lacks, with the plainest value of its type.
fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, &schema["items"])),
        Value::Object(map) => {
            let Some(properties) = schema["properties"].as_object() else { return };
            for (name, schema) in properties {
                fill(map.entry(name.clone()).or_insert_with(|| plainest(schema)), schema);
            }
        }
        _ => {}
    }
}

fn plainest(schema: &Value) -> Value {
    let is = |wanted: &str| match &schema["type"] {
        Value::String(one) => one == wanted,
        Value::Array(several) => several.iter().any(|one| one == wanted),
        _ => false,
    };
    if is("null") {
        return Value::Null;
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["format"].as_str() {
        Some("uuid") => return json!(uuid::Uuid::nil()),
        Some("date-time") => return json!("2026-01-01T00:00:00Z"),
        _ => {}
    }
    match () {
        () if is("object") => json!({}),
        () if is("array") => json!([]),
        () if is("boolean") => json!(false),
        () if is("integer") || is("number") => json!(0),
        () if schema["anyOf"].is_array() => plainest(&schema["anyOf"][0]),
        () => json!("simulated"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_heroku_would_not_take_is_seen() {
        let (slugs, places) = Endpoint::find("POST", "/apps/acme-web/slugs").unwrap();
        assert_eq!(places, ["acme-web"]);
        assert_eq!(
            slugs.faults_of_request(&json!({"process_types": {"web": "./web"}})),
            Vec::<String>::new()
        );
        for wrong in
            [json!({}), json!({"process_types": {"we b": "x"}}), json!({"process_types": {"web": 1}})]
        {
            assert!(!slugs.faults_of_request(&wrong).is_empty(), "{wrong}");
        }
        assert!(Endpoint::find("POST", "/apps/acme-web/rockets").is_none());
        assert!(Endpoint::find("PUT", "/apps/acme-web/slugs").is_none());
    }

    #[test]
    fn an_answer_has_every_field_and_a_wrong_one_is_seen() {
        let (release, _) = Endpoint::find("GET", "/apps/acme-web/releases/3").unwrap();
        let answer = release.complete(json!({"version": 3, "status": "succeeded"})).unwrap();
        assert!(answer["app"]["name"].is_string() && answer["slug"].is_null(), "{answer}");
        assert!(release.complete(json!({"status": "sleepy"})).is_err());
    }
}
