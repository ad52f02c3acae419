//! Waits until a change has taken effect: accepted does not mean done.

use std::time::Duration;

use chrono::Utc;
use platform::{place::PlaceError, procfile};
use tokio::time::Instant;

use crate::{
    Heroku,
    answers::{Release, Status},
    gate::{self, Gate},
    window,
};

impl Heroku {
    /// Waits until every dyno runs the release and answers.
    pub(super) async fn wait(
        &self,
        app: &str,
        process: &str,
        made: &Release,
        digest: &str,
    ) -> Result<(), PlaceError> {
        let deadline = Instant::now() + self.settings.patience + self.settings.preboot_window;
        let (mut up_since, mut pace) = (None, self.pace());
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
                Gate::Up if self.settings.once.contains(process) => None,
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
                Some(_) => pace.wait().await,
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

    /// Why dynos that are up do not count yet. A port that is bound is not an answer.
    async fn unanswered(
        &self,
        app: &str,
        process: &str,
        made: &Release,
        digest: &str,
        up: Duration,
    ) -> Result<Option<String>, PlaceError> {
        if process == procfile::WEB {
            if self.has_preboot(app).await?
                && let Some(left) = window::left(made.created_at, self.settings.preboot_window, Utc::now())
            {
                return Ok(Some(format!("the old dynos serve for {} s more", left.as_secs() + 1)));
            }
            if let Some(address) = self.web_address(app).await? {
                let url = format!("{address}{}", self.settings.probe);
                match self.client.visit(&url).await {
                    Ok(status) if status < 400 => {}
                    Ok(status) => return Ok(Some(format!("{url} answers {status}"))),
                    Err(reason) => return Ok(Some(format!("{url} does not answer: {reason}"))),
                }
            }
        }
        match &self.settings.witness {
            Some(witness) => match witness.ready(process, digest).await {
                Ok(0) => Ok(Some(format!("no instance of {process} {digest} says that it is ready"))),
                Ok(_) => Ok(None),
                Err(reason) => Ok(Some(reason)),
            },
            None if up < self.settings.settle && process != procfile::WEB => {
                Ok(Some("it has just come up".to_owned()))
            }
            None => Ok(None),
        }
    }

    /// Waits until as many dynos as there should be are up, none of them one of `gone`.
    pub(super) async fn wait_until_stable(
        &self,
        app: &str,
        process: &str,
        version: u64,
        gone: &[&str],
    ) -> Result<(), PlaceError> {
        let deadline = Instant::now() + self.settings.patience;
        let mut pace = self.pace();
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
            pace.wait().await;
        }
    }
}
