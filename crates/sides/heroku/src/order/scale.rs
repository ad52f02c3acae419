//! Changes the number of dynos.

use chrono::Utc;
use platform::{place::PlaceError, procfile};
use serde_json::json;

use crate::{Heroku, answers::Formation, window};

impl Heroku {
    pub(crate) async fn scale_app(&self, app: &str, process: &str, count: u32) -> Result<(), PlaceError> {
        if count > self.settings.most_instances {
            let most = self.settings.most_instances;
            return Err(
                self.refused(format!("{app} can have at most {most} dynos of {process}, not {count}"))
            );
        }
        let newest = self.releases(app).await?.into_iter().next();
        let newest = newest.ok_or_else(|| self.refused(format!("{app} has no release yet")))?;
        if process == procfile::WEB
            && self.has_preboot(app).await?
            && let Some(left) = window::left(newest.created_at, self.settings.preboot_window, Utc::now())
        {
            let reason = format!(
                "{app} was released a moment ago and has preboot: scaling now would stop the dynos that serve"
            );
            return Err(PlaceError::TooEarly { place: self.name.clone(), reason, again_in: left });
        }
        self.set_quantity(app, process, count).await?;
        self.wait_until_stable(app, process, 0, &[]).await
    }

    pub(super) async fn set_quantity(&self, app: &str, process: &str, count: u32) -> Result<(), PlaceError> {
        let body = json!({"updates": [{"type": process, "quantity": count}]});
        let set: Result<Vec<Formation>, _> =
            self.client.patch(&format!("/apps/{app}/formation"), &body).await;
        set.map(drop).map_err(|error| self.failed(error))
    }
}
