//! Heroku as a place.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use platform::{
    place::{Abilities, Bundle, Ended, Instance, InstanceState, Place, PlaceError, Which, Why},
    procfile,
};
use serde_json::json;

use crate::{
    Client, Settings,
    answers::{Dyno, Formation, LogSession, Release, Slug},
    error::ApiError,
};

/// SIGKILL comes 30 s after SIGTERM.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Without preboot: from SIGTERM to the old web dyno until the new one listens. Heroku gives it up to 60 s; a small
/// program takes about this long.
const USUAL_GAP: Duration = Duration::from_secs(10);
/// Looking at a process costs two calls, and an account has 4,500 an hour, for everybody who uses it.
const HOLDS_FOR: Duration = Duration::from_secs(15);

/// Heroku, with an app for each process.
pub struct Heroku {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    /// Slugs that were uploaded and not released yet, by process and release.
    pub(crate) offered: Mutex<BTreeMap<(String, String), String>>,
    /// What a slug was made of: it never changes.
    commits: Mutex<BTreeMap<String, Option<String>>>,
}

impl Heroku {
    /// A place of this name.
    #[must_use]
    pub fn new(name: &str, client: Client, settings: Settings) -> Self {
        let (offered, commits) = (Mutex::default(), Mutex::default());
        Self { name: name.to_owned(), client, settings, offered, commits }
    }

    /// Asks which apps have preboot, so that [`abilities`](Place::abilities) knows.
    ///
    /// # Errors
    /// When Heroku does not answer or an app does not exist.
    pub async fn learn(&mut self) -> Result<(), PlaceError> {
        for process in self.settings.apps.keys().cloned().collect::<Vec<_>>() {
            let app = self.app(&process)?;
            let preboot = self.has_preboot(app).await?;
            self.settings.preboot.insert(process, preboot);
        }
        Ok(())
    }

    pub(crate) fn app(&self, process: &str) -> Result<&str, PlaceError> {
        let app = self.settings.apps.get(process).map(String::as_str);
        app.ok_or_else(|| PlaceError::UnknownProcess {
            place: self.name.clone(),
            process: process.to_owned(),
        })
    }

    pub(crate) fn refused(&self, reason: impl Into<String>) -> PlaceError {
        PlaceError::Refused { place: self.name.clone(), reason: reason.into() }
    }

    pub(crate) fn failed(&self, error: ApiError) -> PlaceError {
        let place = self.name.clone();
        match error {
            ApiError::Lost { .. } => PlaceError::Unreachable { place, reason: error.to_string() },
            error if error.is_not_found() => {
                self.refused(format!("{error}; `sides setup heroku` says what is missing"))
            }
            error => self.refused(error.to_string()),
        }
    }

    pub(crate) async fn dynos(&self, app: &str) -> Result<Vec<Dyno>, PlaceError> {
        self.client.get(&format!("/apps/{app}/dynos")).await.map_err(|error| self.failed(error))
    }

    /// Newest first.
    pub(crate) async fn releases(&self, app: &str) -> Result<Vec<Release>, PlaceError> {
        let found: Result<Vec<Release>, _> = self.client.get(&format!("/apps/{app}/releases")).await;
        let mut found = found.map_err(|error| self.failed(error))?;
        found.sort_by_key(|release| std::cmp::Reverse(release.version));
        Ok(found)
    }

    pub(crate) async fn quantity(&self, app: &str, process: &str) -> Result<Option<u32>, PlaceError> {
        let found: Result<Vec<Formation>, _> = self.client.get(&format!("/apps/{app}/formation")).await;
        let found = found.map_err(|error| self.failed(error))?;
        Ok(found.into_iter().find(|one| one.r#type == process).map(|one| one.quantity))
    }

    pub(crate) async fn has_preboot(&self, app: &str) -> Result<bool, PlaceError> {
        let found: Result<crate::answers::Feature, _> =
            self.client.get(&format!("/apps/{app}/features/preboot")).await;
        found.map(|feature| feature.enabled).map_err(|error| self.failed(error))
    }

    /// Where the router listens for an app, without a slash at its end; none for apps that no router leads to.
    pub(crate) async fn web_address(&self, app: &str) -> Result<Option<String>, PlaceError> {
        let info: Result<crate::answers::App, _> = self.client.get(&format!("/apps/{app}")).await;
        let address = info.map_err(|error| self.failed(error))?.web_url;
        Ok(address.map(|address| address.trim_end_matches('/').to_owned()))
    }

    /// The digest that a slug was made from.
    pub(crate) async fn commit(&self, app: &str, slug: &str) -> Result<Option<String>, PlaceError> {
        let known = self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(slug).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found: Result<Slug, _> = self.client.get(&format!("/apps/{app}/slugs/{slug}")).await;
        let commit = found.map_err(|error| self.failed(error))?.commit;
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).insert(slug.to_owned(), commit.clone());
        Ok(commit)
    }

    /// The digest that a release of the app runs.
    pub(crate) async fn digest(&self, app: &str, release: &Release) -> Result<Option<String>, PlaceError> {
        match &release.slug {
            Some(slug) => self.commit(app, &slug.id).await,
            None => Ok(None),
        }
    }
}

#[async_trait]
impl Place for Heroku {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self, process: &str) -> Abilities {
        let is_web = process == procfile::WEB;
        let preboot = is_web && self.settings.preboot.get(process).copied().unwrap_or(false);
        // A process without visitors may be away for a moment: what it does waits in the database.
        let gap = if is_web && !preboot { USUAL_GAP } else { Duration::ZERO };
        Abilities {
            inherits_sockets: false,
            surges: preboot,
            gap,
            drain_limit: DRAIN_LIMIT,
            most_instances: self.settings.most_instances,
        }
    }

    fn holds_for(&self) -> Duration {
        HOLDS_FOR
    }

    async fn instances(&self, process: &str) -> Result<Vec<Instance>, PlaceError> {
        let app = self.app(process)?;
        let (dynos, releases) = (self.dynos(app).await?, self.releases(app).await?);
        let mut instances = Vec::new();
        for dyno in dynos.into_iter().filter(|dyno| dyno.r#type == process) {
            let release = releases.iter().find(|one| one.version == dyno.release.version);
            let digest = match release {
                Some(release) => self.digest(app, release).await?,
                None => None,
            };
            instances.push(instance(dyno, digest, app));
        }
        Ok(instances)
    }

    async fn offer(&self, process: &str, release: &str, bundle: &Bundle) -> Result<(), PlaceError> {
        self.upload(process, release, bundle).await
    }

    async fn put(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        self.release(process, release, why).await
    }

    async fn scale(&self, process: &str, count: u32, _why: &Why) -> Result<(), PlaceError> {
        let app = self.app(process)?;
        self.scale_app(app, process, count).await
    }

    async fn restart(&self, process: &str, which: Which, _why: &Why) -> Result<(), PlaceError> {
        let app = self.app(process)?;
        self.restart_dynos(app, process, which).await
    }

    async fn run_once(&self, process: &str, command: &[String], _why: &Why) -> Result<Ended, PlaceError> {
        let app = self.app(process)?;
        self.one_off(app, command).await
    }

    async fn public_address(&self, process: &str) -> Result<Option<String>, PlaceError> {
        match process {
            procfile::WEB => self.web_address(self.app(process)?).await,
            _ => Ok(None),
        }
    }

    async fn logs(&self, process: &str, lines: usize) -> Result<Vec<String>, PlaceError> {
        let app = self.app(process)?;
        let body = json!({"lines": lines.min(1500), "tail": false, "type": process, "source": "app"});
        let text = async {
            let session: LogSession = self.client.post(&format!("/apps/{app}/log-sessions"), &body).await?;
            self.client.text(&session.logplex_url).await
        };
        let text = text.await.map_err(|error| self.failed(error))?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

fn instance(dyno: Dyno, digest: Option<String>, app: &str) -> Instance {
    let (state, reason) = match dyno.state.as_str() {
        "up" | "idle" => (InstanceState::Healthy, None),
        "starting" => (InstanceState::Starting, None),
        "crashed" => (InstanceState::Crashed, Some("it crashed; Heroku starts it again".to_owned())),
        "down" => (InstanceState::Draining, None),
        other => (InstanceState::Unhealthy, Some(format!("Heroku says {other:?}"))),
    };
    let version = format!("v{}", dyno.release.version);
    let details =
        [("app", app.to_owned()), ("dyno", dyno.name.clone()), ("version", version), ("size", dyno.size)];
    Instance {
        // A name comes back after a restart, an id does not.
        id: dyno.id,
        release: digest.unwrap_or_default(),
        since: dyno.created_at,
        state,
        reason,
        details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
