//! Releases a slug, or rolls the app back to its previous release.

use platform::place::{PlaceError, Why};
use serde_json::{Value, json};

use super::TRIES;
use crate::{
    Heroku,
    answers::{Release, Status},
};

impl Heroku {
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
                slug.ok_or_else(|| self.refused(format!("{process} {release} was never uploaded to {app}")))?;
            let description = format!("{process} {release}: {} ({})", why.reason, why.asked_by);
            let body = json!({"slug": slug, "description": description});
            Some(self.make(app, &body, before.as_ref(), release).await?)
        };
        let Some(made) = made else { return Err(self.refused("there is no release")) };
        if !self.settings.once.contains(process) && self.quantity(app, process).await?.unwrap_or(0) == 0 {
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
            // What never answered is not left to crash for ever; the next release starts a dyno again.
            return match self.set_quantity(app, process, 0).await {
                Ok(()) => self.refused(format!(
                    "{reason}; there was no earlier release to go back to, so {app} runs no dyno now"
                )),
                Err(error) => self.half_done(app, &reason, &error),
            };
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
            Ok(()) => self.refused(format!("{reason}; {app} is back at the contents of v{}", before.version)),
            Err(error) => self.half_done(app, &reason, &error),
        }
    }

    fn half_done(&self, app: &str, reason: &str, error: &PlaceError) -> PlaceError {
        let reason = format!("{reason}; then {app} could not be rolled back: {error}");
        PlaceError::Unreachable { place: self.name.clone(), reason }
    }

    fn busy(&self, reason: String) -> PlaceError {
        PlaceError::Busy { place: self.name.clone(), reason }
    }

    pub(super) fn overtaken(&self, app: &str, version: u64) -> PlaceError {
        self.busy(format!(
            "somebody else released v{version} of {app} in the meantime: see what it is, then release again"
        ))
    }
}
