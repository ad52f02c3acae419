//! Apps, their formation, configuration and features.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{Answer, created, not_found, ok, refused},
    launch, releases,
    state::{App, State},
};

pub(crate) fn account() -> Answer {
    ok(json!({"email": "somebody@example.com", "id": Uuid::nil()}))
}

pub(crate) fn create(state: &mut State, body: &Value) -> Answer {
    let name = body["name"].as_str().map_or_else(|| "shrouded-night-1".to_owned(), str::to_owned);
    if state.apps.contains_key(&name) {
        return refused(422, "invalid_params", &format!("Name {name} is already taken"));
    }
    let app = App { id: Uuid::new_v4(), name: name.clone(), ..App::default() };
    let said = shown(&app);
    state.apps.insert(name, app);
    created(said)
}

pub(crate) fn info(app: &App) -> Answer {
    ok(shown(app))
}

fn shown(app: &App) -> Value {
    let url = format!("http://{}.herokuapp.com/", app.name);
    json!({"id": app.id, "name": app.name, "web_url": url, "git_url": format!("https://git.heroku.com/{}.git", app.name),
           "stack": {"name": "heroku-24"}, "build_stack": {"name": "heroku-24"}, "region": {"name": "eu"}})
}

pub(crate) fn formation(app: &App) -> Answer {
    let types = app.formation.iter();
    ok(types.map(|(kind, quantity)| one_of_formation(app, kind, *quantity)).collect())
}

fn one_of_formation(app: &App, kind: &str, quantity: u32) -> Value {
    json!({"type": kind, "quantity": quantity, "size": "Standard-1X", "app": app.brief()})
}

pub(crate) fn scale(state: &mut State, name: &str, body: &Value) -> Answer {
    let Some(app) = state.apps.get_mut(name) else { return not_found("app") };
    let updates = body["updates"].as_array().into_iter().flatten();
    let mut said = Vec::new();
    for update in updates {
        let kind = update["type"].as_str().unwrap_or_default();
        if !app.formation.contains_key(kind) {
            return not_found("process type");
        }
        let quantity = u32::try_from(update["quantity"].as_u64().unwrap_or(1)).unwrap_or(u32::MAX);
        if quantity > 100 {
            return refused(422, "invalid_params", "Cannot scale to more than 100 dynos.");
        }
        app.formation.insert(kind.to_owned(), quantity);
        said.push(one_of_formation(app, kind, quantity));
    }
    // What the documentation warns of: inside the window the dynos that serve are lost.
    if app.has_preboot() {
        let now = std::time::Instant::now();
        app.leaving.iter_mut().for_each(|leaving| leaving.out_at = leaving.out_at.min(now));
    }
    launch::reconcile(state, name);
    ok(Value::Array(said))
}

pub(crate) fn config(app: &App) -> Answer {
    ok(json!(app.config))
}

pub(crate) fn set_config(state: &mut State, name: &str, body: &Value) -> Answer {
    let Some(app) = state.apps.get_mut(name) else { return not_found("app") };
    let before = app.config.clone();
    let mut changed = Vec::new();
    for (variable, value) in body.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(value) => app.config.insert(variable.clone(), value.to_owned()),
            None => app.config.remove(variable),
        };
        changed.push(variable.clone());
    }
    let now = app.config.clone();
    if now != before {
        let slug = app.current().and_then(|release| release.slug);
        releases::add(state, name, slug, format!("Set {} config vars", changed.join(", ")));
    }
    ok(json!(now))
}

pub(crate) fn feature(app: &App, feature: &str) -> Answer {
    ok(json!({"name": feature, "enabled": app.features.contains(feature), "state": "general"}))
}

pub(crate) fn set_feature(state: &mut State, name: &str, feature: &str, body: &Value) -> Answer {
    let Some(app) = state.apps.get_mut(name) else { return not_found("app") };
    match body["enabled"] == true {
        true => app.features.insert(feature.to_owned()),
        false => app.features.remove(feature),
    };
    self::feature(app, feature)
}
