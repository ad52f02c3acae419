//! Uploads the bytes of a release as a slug, once.

use std::sync::PoisonError;

use platform::place::{Bundle, PlaceError};
use serde_json::json;

use super::TRIES;
use crate::{Heroku, answers::Slug, slug};

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
            self.refused(format!("cannot pack the slug from {}: {error}", files.join(", ")))
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
    pub(super) async fn slug_of(
        &self,
        app: &str,
        process: &str,
        release: &str,
    ) -> Result<Option<String>, PlaceError> {
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
}
