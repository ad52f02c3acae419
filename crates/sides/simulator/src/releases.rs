//! Releases: a slug and the configuration of that moment.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    http::{Answer, created, not_found, ok, refused},
    launch, slugs,
    state::{App, Release, State},
};

pub(crate) fn create(state: &mut State, name: &str, body: &Value) -> Answer {
    let Some(app) = state.apps.get(name) else { return not_found("app") };
    let (slug, description) = match body["release"].as_str() {
        Some(id) => match app.releases.iter().find(|one| one.id.to_string() == id) {
            Some(one) => (one.slug, format!("Rollback to v{}", one.version)),
            None => return not_found("release"),
        },
        None => match app.slugs.get(body["slug"].as_str().unwrap_or_default()) {
            Some(slug) => (Some(slug.id), body["description"].as_str().unwrap_or("Deploy").to_owned()),
            None => return not_found("slug"),
        },
    };
    let slug_of = slug.and_then(|id| app.slugs.get(&id.to_string()));
    if let Some(slug) = slug_of
        && let Err(reason) = slugs::unpacked(state, slug)
    {
        return refused(422, "invalid_params", &reason);
    }
    let version = add(state, name, slug, description);
    let app = &state.apps[name];
    created(shown(app, &app.releases[version as usize - 1]))
}

/// The next version: every dyno is restarted with it.
pub(crate) fn add(state: &mut State, name: &str, slug: Option<Uuid>, description: String) -> u32 {
    let Some(app) = state.apps.get_mut(name) else { return 0 };
    let version = u32::try_from(app.releases.len()).unwrap_or(u32::MAX) + 1;
    let id = Uuid::new_v4();
    app.releases.push(Release { id, version, slug, description, created_at: Utc::now() });
    if let Some(slug) = slug.and_then(|id| app.slugs.get(&id.to_string())) {
        for kind in slug.process_types.keys() {
            // The first web dyno comes by itself, everything else has to be asked for.
            app.formation.entry(kind.clone()).or_insert(u32::from(kind == "web"));
        }
        launch::renew(state, name, None);
    }
    version
}

pub(crate) fn info(app: &App, id: &str) -> Answer {
    let is_it = |one: &&Release| one.id.to_string() == id || one.version.to_string() == id;
    match app.releases.iter().find(is_it) {
        Some(release) => ok(shown(app, release)),
        None => not_found("release"),
    }
}

/// Newest first, as the `Range` header that is required here asks for.
pub(crate) fn list(app: &App) -> Answer {
    ok(app.releases.iter().rev().take(20).map(|one| shown(app, one)).collect())
}

fn shown(app: &App, release: &Release) -> Value {
    let is_current = app.current().is_some_and(|current| current.version == release.version);
    json!({"id": release.id, "version": release.version, "status": "succeeded", "description": release.description,
           "slug": release.slug.map(|id| json!({"id": id})), "current": is_current, "app": app.brief(),
           "created_at": release.created_at, "user": {"email": "somebody@example.com", "id": Uuid::nil()}})
}
