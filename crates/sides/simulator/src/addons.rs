//! Postgres add-ons and their attachments.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{Answer, created, not_found, ok},
    releases,
    state::{Addon, State},
};

pub(crate) fn create(state: &mut State, name: &str, body: &Value) -> Answer {
    let plan = body["plan"].as_str().unwrap_or_default().to_owned();
    let given = body["name"].as_str().map(str::to_owned);
    let id = Uuid::new_v4();
    let called = given.unwrap_or_else(|| format!("postgresql-round-{}", state.addons.len() + 1));
    let addon = Addon { id, name: called.clone(), app: name.to_owned(), plan };
    let said = shown(state, &addon);
    state.addons.insert(called.clone(), addon);
    join(state, name, &called);
    created(said)
}

pub(crate) fn list(state: &State, name: &str) -> Answer {
    let of_app = state.addons.values().filter(|addon| addon.app == name);
    ok(of_app.map(|addon| shown(state, addon)).collect())
}

pub(crate) fn attach(state: &mut State, body: &Value) -> Answer {
    let (addon, app) = (body["addon"].as_str().unwrap_or_default(), body["app"].as_str().unwrap_or_default());
    let Some(addon) = state.addons.get(addon).cloned() else { return not_found("add-on") };
    if !state.apps.contains_key(app) {
        return not_found("app");
    }
    join(state, app, &addon.name);
    created(attachment(state, &addon, app))
}

pub(crate) fn attachments(state: &State, name: &str) -> Answer {
    let attached = state.apps[name].attached.iter().filter_map(|addon| state.addons.get(addon));
    ok(attached.map(|addon| attachment(state, addon, name)).collect())
}

/// Sets `DATABASE_URL`, which is a release of its own.
fn join(state: &mut State, name: &str, addon: &str) {
    let url = state.settings.database_url.clone();
    let Some(app) = state.apps.get_mut(name) else { return };
    app.attached.insert(addon.to_owned());
    app.config.insert("DATABASE_URL".to_owned(), url);
    let slug = app.current().and_then(|release| release.slug);
    releases::add(state, name, slug, "Attach DATABASE".to_owned());
}

fn shown(state: &State, addon: &Addon) -> Value {
    json!({"id": addon.id, "name": addon.name, "state": "provisioned", "plan": {"name": addon.plan},
           "addon_service": {"name": "heroku-postgresql"}, "app": state.apps[&addon.app].brief()})
}

fn attachment(state: &State, addon: &Addon, app: &str) -> Value {
    let owner = state.apps[&addon.app].brief();
    json!({"id": Uuid::new_v4(), "name": "DATABASE", "app": state.apps[app].brief(),
           "addon": {"id": addon.id, "name": addon.name, "app": owner}})
}
