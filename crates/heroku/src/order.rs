//! Orders that change what runs, and the wait until it can be seen.

use std::{sync::PoisonError, time::Duration};

use chrono::Utc;
use platform::place::{Bundle, PlaceError, Which, Why};
use serde_json::{Value, json};
use tokio::time::{self, Instant};

use crate::{
    Heroku,
    answers::{App, Formation, Release, Slug, Status},
    gate::{self, Gate},
    slug, window,
};

/// How often a lost order is looked for and given again.
const TRIES: u32 = 4;

impl Heroku {
    pub(crate) async fn upload(
        &self,
        process: &str,
        release: &str,
        bundle: &Bundle,
    ) -> Result<(), PlaceError> {
        let app = self.app(process)?;
        if self.slug_of(app, process, release).await?.is_some() {
            return Ok(());
        }
        let packed = slug::pack(bundle, release).map_err(|error| {
            let files: Vec<String> =
                bundle.files.iter().map(|file| file.source.display().to_string()).collect();
            self.refused(format!("the slug cannot be packed from {}: {error}", files.join(", ")))
        })?;
        let body = json!({
            "process_types": {process: bundle.command},
            "checksum": packed.checksum,
            "commit": release,
            "buildpack_provided_description": "sides",
        });
        let mut tries = TRIES;
        // A slug that was made and whose answer was lost is never used and costs nothing.
        let slug: Slug = loop {
            tries -= 1;
            match self.client.post(&format!("/apps/{app}/slugs"), &body).await {
                Err(error) if error.is_lost() && tries > 0 => self.pause().await,
                made => break made.map_err(|error| self.failed(error))?,
            }
        };
        self.client.upload(&slug.blob.url, &packed.bytes).await.map_err(|error| self.failed(error))?;
        let key = (process.to_owned(), release.to_owned());
        self.offered.lock().unwrap_or_else(PoisonError::into_inner).insert(key, slug.id);
        Ok(())
    }

    /// The slug of a release: uploaded just now, or released some time.
    async fn slug_of(&self, app: &str, process: &str, release: &str) -> Result<Option<String>, PlaceError> {
        let key = (process.to_owned(), release.to_owned());
        let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if offered.is_some() {
            return Ok(offered);
        }
        let mut looked_at = Vec::new();
        for slug in self.releases(app).await?.into_iter().filter_map(|one| one.slug) {
            if looked_at.contains(&slug.id) {
                continue;
            }
            if self.commit(app, &slug.id).await?.as_deref() == Some(release) {
                return Ok(Some(slug.id));
            }
            looked_at.push(slug.id);
        }
        Ok(None)
    }

    pub(crate) async fn release(&self, process: &str, release: &str, why: &Why) -> Result<(), PlaceError> {
        let app = self.app(process)?;
        let before = self.releases(app).await?.into_iter().next();
        if let Some(pending) = before.as_ref().filter(|one| one.status == Status::Pending) {
            return Err(self.busy(format!("v{} of {app} is still being released", pending.version)));
        }
        let current = match &before {
            Some(before) => self.digest(app, before).await?,
            None => None,
        };
        let made = if current.as_deref() == Some(release) {
            before.clone()
        } else {
            let slug = self.slug_of(app, process, release).await?;
            let slug =
                slug.ok_or_else(|| self.refused(format!("{process} {release} was never offered to {app}")))?;
            let description = format!("{process} {release}: {} ({})", why.reason, why.asked_by);
            let body = json!({"slug": slug, "description": description});
            Some(self.make(app, &body, before.as_ref(), release).await?)
        };
        let Some(made) = made else { return Err(self.refused("there is no release")) };
        if self.quantity(app, process).await?.unwrap_or(0) == 0 {
            self.set_quantity(app, process, 1).await?;
        }
        match self.wait(app, process, &made, release).await {
            Err(PlaceError::Refused { reason, .. }) => {
                Err(self.take_back(app, process, before.as_ref(), &made, reason).await)
            }
            waited => waited,
        }
    }

    /// Makes a release; when the answer is lost, looks whether it was made before asking again.
    async fn make(
        &self,
        app: &str,
        body: &Value,
        before: Option<&Release>,
        digest: &str,
    ) -> Result<Release, PlaceError> {
        let known = before.map_or(0, |before| before.version);
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let error = match self.client.post(&format!("/apps/{app}/releases"), body).await {
                Ok(made) => return Ok(made),
                Err(error) if error.is_lost() => error,
                Err(error) => return Err(self.failed(error)),
            };
            self.pause().await;
            let newest = self.releases(app).await?.into_iter().next().filter(|newest| newest.version > known);
            match newest {
                Some(newest) if self.digest(app, &newest).await?.as_deref() == Some(digest) => {
                    return Ok(newest);
                }
                Some(newest) => return Err(self.overtaken(app, newest.version)),
                None if tries == 0 => return Err(self.failed(error)),
                None => {}
            }
        }
    }

    /// Waits until every dyno runs the release and answers.
    async fn wait(&self, app: &str, process: &str, made: &Release, digest: &str) -> Result<(), PlaceError> {
        let deadline = Instant::now() + self.settings.patience + self.settings.preboot_window;
        let mut up_since = None;
        loop {
            let newest = self.releases(app).await?.into_iter().next();
            if let Some(newest) = newest.filter(|newest| newest.version > made.version) {
                // A changed variable is a release too, of the same slug: that is ours still.
                if self.digest(app, &newest).await?.as_deref() != Some(digest) {
                    return Err(self.overtaken(app, newest.version));
                }
            }
            let waits = match self.look(app, process, made).await? {
                Gate::Failed(reason) => return Err(self.refused(reason)),
                Gate::Waits(reason) => {
                    up_since = None;
                    Some(reason)
                }
                Gate::Up => {
                    let since = *up_since.get_or_insert_with(Instant::now);
                    self.unanswered(app, process, made, digest, since.elapsed()).await?
                }
            };
            match waits {
                None => return Ok(()),
                Some(reason) if Instant::now() > deadline => {
                    return Err(self.refused(format!("{reason}, and no more")));
                }
                Some(_) => time::sleep(self.settings.pace).await,
            }
        }
    }

    async fn look(&self, app: &str, process: &str, made: &Release) -> Result<Gate, PlaceError> {
        let path = format!("/apps/{app}/releases/{}", made.version);
        let release: Release = self.client.get(&path).await.map_err(|error| self.failed(error))?;
        match release.status {
            Status::Pending => return Ok(Gate::Waits(format!("v{} is pending", made.version))),
            Status::Failed | Status::Expired => {
                return Ok(Gate::Failed(format!("v{} failed at Heroku", made.version)));
            }
            Status::Succeeded => {}
        }
        let quantity = self.quantity(app, process).await?.unwrap_or(0);
        Ok(gate::judge(&self.dynos(app).await?, process, made.version, quantity))
    }

    /// Why dynos that are up do not count yet. A port that is bound is no answer.
    async fn unanswered(
        &self,
        app: &str,
        process: &str,
        made: &Release,
        digest: &str,
        up: Duration,
    ) -> Result<Option<String>, PlaceError> {
        if process == "web" {
            if self.has_preboot(app).await?
                && let Some(left) = window::left(made.created_at, self.settings.preboot_window, Utc::now())
            {
                return Ok(Some(format!("the old dynos serve for {} s more", left.as_secs() + 1)));
            }
            let info: App =
                self.client.get(&format!("/apps/{app}")).await.map_err(|error| self.failed(error))?;
            if let Some(url) = info.web_url {
                let url = format!("{}{}", url.trim_end_matches('/'), self.settings.probe);
                match self.client.visit(&url).await {
                    Ok(status) if status < 400 => {}
                    Ok(status) => return Ok(Some(format!("{url} answers {status}"))),
                    Err(reason) => return Ok(Some(format!("{url} does not answer: {reason}"))),
                }
            }
        }
        match &self.settings.witness {
            Some(witness) => match witness.ready(process, digest).await {
                Ok(0) => Ok(Some(format!("no copy of {process} {digest} says that it is ready"))),
                Ok(_) => Ok(None),
                Err(reason) => Ok(Some(reason)),
            },
            None if up < self.settings.settle && process != "web" => {
                Ok(Some("it has just come up".to_owned()))
            }
            None => Ok(None),
        }
    }

    /// Goes back to the release before; says what came of it.
    async fn take_back(
        &self,
        app: &str,
        process: &str,
        before: Option<&Release>,
        made: &Release,
        reason: String,
    ) -> PlaceError {
        let Some(before) = before.filter(|before| before.version != made.version && before.slug.is_some())
        else {
            return self.refused(format!("{reason}; there was no release before it to go back to"));
        };
        let body = json!({"release": before.id});
        let digest = match self.digest(app, before).await {
            Ok(digest) => digest.unwrap_or_default(),
            Err(error) => return self.half_done(app, &reason, &error),
        };
        let back = match self.make(app, &body, Some(made), &digest).await {
            Ok(back) => back,
            Err(error) => return self.half_done(app, &reason, &error),
        };
        match self.wait(app, process, &back, &digest).await {
            Ok(()) => self.refused(format!("{reason}; {app} is back at what v{} was", before.version)),
            Err(error) => self.half_done(app, &reason, &error),
        }
    }

    fn half_done(&self, app: &str, reason: &str, error: &PlaceError) -> PlaceError {
        let reason = format!("{reason}; then {app} could not be taken back: {error}");
        PlaceError::Unreachable { place: self.name.clone(), reason }
    }

    pub(crate) async fn scale_app(&self, app: &str, process: &str, count: u32) -> Result<(), PlaceError> {
        if count > self.settings.most_copies {
            let most = self.settings.most_copies;
            return Err(
                self.refused(format!("{app} can have at most {most} dynos of {process}, not {count}"))
            );
        }
        let newest = self.releases(app).await?.into_iter().next();
        let newest = newest.ok_or_else(|| self.refused(format!("{app} has no release yet")))?;
        if process == "web"
            && self.has_preboot(app).await?
            && let Some(left) = window::left(newest.created_at, self.settings.preboot_window, Utc::now())
        {
            return Err(self.refused(format!(
                "{app} was released a moment ago and has preboot: scaling now would lose the dynos that serve; \
                 again in {} s",
                left.as_secs() + 1
            )));
        }
        self.set_quantity(app, process, count).await?;
        self.settled(app, process, 0, &[]).await
    }

    async fn set_quantity(&self, app: &str, process: &str, count: u32) -> Result<(), PlaceError> {
        let body = json!({"updates": [{"type": process, "quantity": count}]});
        let set: Result<Vec<Formation>, _> =
            self.client.patch(&format!("/apps/{app}/formation"), &body).await;
        set.map(drop).map_err(|error| self.failed(error))
    }

    pub(crate) async fn restart_dynos(
        &self,
        app: &str,
        process: &str,
        which: Which,
    ) -> Result<(), PlaceError> {
        let dynos = self.dynos(app).await?.into_iter().filter(|dyno| dyno.r#type == process);
        let chosen: Vec<_> = match &which {
            Which::All => dynos.collect(),
            Which::One(id) => dynos.filter(|dyno| dyno.id == *id || dyno.name == *id).collect(),
        };
        if chosen.is_empty() {
            return Err(self.refused(match which {
                Which::All => format!("{app} runs no dyno of {process}: scale it up first"),
                Which::One(id) => format!("{app} has no dyno {id} any more"),
            }));
        }
        for dyno in chosen {
            let mut tries = TRIES;
            loop {
                tries -= 1;
                let asked = self.client.delete(&format!("/apps/{app}/dynos/{}", dyno.name)).await;
                let Err(error) = asked else { break };
                if !error.is_lost() {
                    return Err(self.failed(error));
                }
                self.pause().await;
                // Another dyno under the same name: it was carried out.
                if self.dynos(app).await?.iter().all(|one| one.id != dyno.id) {
                    break;
                }
                if tries == 0 {
                    return Err(self.failed(error));
                }
            }
            self.settled(app, process, 0, &[&dyno.id]).await?;
        }
        Ok(())
    }

    /// Waits until as many dynos as there should be are up, none of them one of `gone`.
    async fn settled(&self, app: &str, process: &str, version: u64, gone: &[&str]) -> Result<(), PlaceError> {
        let deadline = Instant::now() + self.settings.patience;
        loop {
            let quantity = self.quantity(app, process).await?.unwrap_or(0);
            let dynos = self.dynos(app).await?;
            let is_left = dynos.iter().any(|dyno| gone.contains(&dyno.id.as_str()));
            let waits = match gate::judge(&dynos, process, version, quantity) {
                Gate::Up if !is_left => return Ok(()),
                Gate::Up => "an old dyno is still there".to_owned(),
                // Heroku starts a crashed dyno again by itself.
                Gate::Waits(reason) | Gate::Failed(reason) => reason,
            };
            if Instant::now() > deadline {
                return Err(self.refused(waits));
            }
            time::sleep(self.settings.pace).await;
        }
    }

    pub(crate) async fn pause(&self) {
        time::sleep(self.settings.pace).await;
    }

    fn busy(&self, reason: String) -> PlaceError {
        PlaceError::Busy { place: self.name.clone(), reason }
    }

    fn overtaken(&self, app: &str, version: u64) -> PlaceError {
        self.busy(format!(
            "somebody else released v{version} of {app} meanwhile: see what it is, then release again"
        ))
    }
}
