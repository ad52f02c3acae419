//! Dynos, as requested.

use serde_json::{Value, json};

use crate::{
    http::{Answer, created, not_found, ok, refused},
    launch,
    state::{App, Dyno, State},
};

pub(crate) fn list(app: &App) -> Answer {
    ok(app.dynos.iter().map(|dyno| shown(app, dyno)).collect())
}

pub(crate) fn info(app: &App, id: &str) -> Answer {
    match app.dynos.iter().find(|one| one.id.to_string() == id || one.name == id) {
        Some(dyno) => ok(shown(app, dyno)),
        None => not_found("dyno"),
    }
}

pub(crate) fn run_once(state: &mut State, name: &str, body: &Value) -> Answer {
    let command = body["command"].as_str().unwrap_or_default().to_owned();
    let Some(app) = state.apps.get_mut(name) else { return not_found("app") };
    if app.current().is_none_or(|release| release.slug.is_none()) {
        return refused(422, "invalid_params", "Cannot run a command: the app has no slug");
    }
    app.one_offs += 1;
    let dyno = format!("run.{}", 1000 + app.one_offs);
    launch::start(state, name, "run", &dyno, Some(command));
    let app = &state.apps[name];
    match app.dynos.iter().find(|one| one.name == dyno) {
        Some(dyno) => created(shown(app, dyno)),
        None => refused(422, "invalid_params", "Cannot run the command"),
    }
}

pub(crate) fn restart(state: &mut State, name: &str, one: Option<&str>) -> Answer {
    let app = &state.apps[name];
    let which = one.map(|one| app.dynos.iter().find(|dyno| dyno.name == one || dyno.id.to_string() == one));
    let only = match which {
        Some(Some(dyno)) => Some(dyno.name.clone()),
        Some(None) => return not_found("dyno"),
        None => None,
    };
    launch::renew(state, name, only.as_deref());
    (202, json!({}))
}

fn shown(app: &App, dyno: &Dyno) -> Value {
    json!({"id": dyno.id, "name": dyno.name, "type": dyno.kind, "command": dyno.command, "state": dyno.state,
           "release": {"id": dyno.release, "version": dyno.version}, "size": "Standard-1X", "app": app.brief(),
           "created_at": dyno.created_at, "updated_at": dyno.created_at})
}
