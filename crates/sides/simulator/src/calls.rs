//! Which function handles which call.

use serde_json::Value;

use crate::{
    addons, apps, dynos,
    http::{Answer, not_found},
    logs, releases, slugs,
    state::State,
};

impl State {
    /// Carries a call out. `places` are what stands in the path's places.
    pub(crate) fn call(&mut self, method: &str, path: &str, places: &[String], body: &Value) -> Answer {
        match (method, path) {
            ("GET", "/account") => return apps::account(),
            ("POST", "/apps") => return apps::create(self, body),
            ("POST", "/addon-attachments") => return addons::attach(self, body),
            _ => {}
        }
        let Some(name) = self.name_of(&places[0]) else { return not_found("app") };
        let place = places.get(1).map_or("", String::as_str);
        match (method, path.trim_start_matches("/apps/{app}")) {
            ("GET", "") => apps::info(&self.apps[&name]),
            ("POST", "/slugs") => slugs::create(self, &name, body),
            ("GET", "/slugs/{slug}") => slugs::info(&self.apps[&name], place),
            ("GET", "/releases/{release}") => releases::info(&self.apps[&name], place),
            ("GET", "/releases") => releases::list(&self.apps[&name]),
            ("POST", "/releases") => releases::create(self, &name, body),
            ("GET", "/formation") => apps::formation(&self.apps[&name]),
            ("PATCH", "/formation") => apps::scale(self, &name, body),
            ("GET", "/dynos") => dynos::list(&self.apps[&name]),
            ("GET", "/dynos/{dyno}") => dynos::info(&self.apps[&name], place),
            ("POST", "/dynos") => dynos::run_once(self, &name, body),
            ("DELETE", "/dynos/{dyno}") => dynos::restart(self, &name, Some(place)),
            ("DELETE", "/dynos") => dynos::restart(self, &name, None),
            ("POST", "/log-sessions") => logs::create(self, &name, body),
            ("GET", "/config-vars") => apps::config(&self.apps[&name]),
            ("PATCH", "/config-vars") => apps::set_config(self, &name, body),
            ("GET", "/features/{app-feature}") => apps::feature(&self.apps[&name], place),
            ("PATCH", "/features/{app-feature}") => apps::set_feature(self, &name, place, body),
            ("POST", "/addons") => addons::create(self, &name, body),
            ("GET", "/addons") => addons::list(self, &name),
            ("GET", "/addon-attachments") => addons::attachments(self, &name),
            _ => not_found("call in this simulator"),
        }
    }

    /// An app is asked for by its name or id.
    fn name_of(&self, app: &str) -> Option<String> {
        let is_it = |one: &&crate::state::App| one.name == app || one.id.to_string() == app;
        self.apps.values().find(is_it).map(|one| one.name.clone())
    }
}
