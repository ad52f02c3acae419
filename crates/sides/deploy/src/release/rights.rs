//! The database rights of each process, as its builds declare them.
//!
//! More ahead of a new instance, less only when the old one can no longer be put back.

use anyhow::Context as _;
use migrate::{
    Options,
    grants::{Granted, grant},
};
use planner::Manifest;

use super::{plan::Roll, steps::Run, world};
use workspace::releases::Digest;

impl Run<'_> {
    /// Gives the process's role what the build declares, beside what it has. A build that says nothing of itself
    /// changes nothing.
    pub(super) async fn widen(&self, process: &str, digest: &Digest) -> anyhow::Result<()> {
        // Kept where it runs and not here: it has its rights since it was released there.
        if !self.places.is_local(process) && self.store.find(process, digest).is_none() {
            return Ok(());
        }
        let Some(manifest) = world::said(self.store, process, digest).await? else { return Ok(()) };
        let granted = self.give(&[manifest], false).await;
        let granted = granted.with_context(|| format!("{process} was not given its rights"))?;
        let own = granted.iter().filter(|one| one.process == process);
        for warning in own.filter_map(|one| one.warning.as_ref()) {
            self.progress.notice(&format!("{process}: {warning}"));
        }
        Ok(())
    }

    /// Takes what only the replaced builds have used. A right too many fails nobody, and the next release takes it.
    pub(super) async fn narrow(&self, rolled: &[&Roll]) {
        let narrowed = async {
            // One that still ends what it began needs them.
            if !self.draining().await?.is_empty() {
                return Ok(Vec::new());
            }
            let mut manifests = Vec::new();
            for roll in rolled {
                manifests.extend(world::said(self.store, &roll.process, &roll.to).await?);
            }
            if manifests.is_empty() { Ok(Vec::new()) } else { self.give(&manifests, true).await }
        };
        if let Err(error) = narrowed.await {
            let text = format!("rights that are no longer needed were not revoked: {error:#}");
            self.progress.notice(&text);
        }
    }

    async fn give(&self, manifests: &[Manifest], narrow: bool) -> anyhow::Result<Vec<Granted>> {
        // A new instance cannot begin while the schema changes; what is only tidying does not wait.
        let options = Options { wait: !narrow, ..Options::default() };
        Ok(grant(self.url, manifests, narrow, &options, &mut |_| {}).await?)
    }
}
