//! Applies one migration: on this machine, or beside the database as a one-off run of its place.

use anyhow::{Context as _, bail};
use platform::{
    place::{Bundle, BundleFile, Place, Why},
    targets::MIGRATE,
};

use super::{build::Migrate, steps::Run};
use workspace::releases::Digest;

impl Run<'_> {
    pub(super) async fn migrate(&self, name: &str) -> anyhow::Result<()> {
        let migrate = self.migrate.context("the workspace has no migrate program")?;
        match self.places.migrations() {
            Some(place) => there(migrate, place, name).await,
            None => migrate.apply(self.url, name).await,
        }
    }
}

/// Gives the place the program of this release, and runs it once.
async fn there(Migrate(program): &Migrate, place: &dyn Place, name: &str) -> anyhow::Result<()> {
    let digest = Digest::of(program, &[MIGRATE])?;
    let file = BundleFile { name: MIGRATE.to_owned(), source: program.clone() };
    let bundle = Bundle { command: MIGRATE.to_owned(), files: vec![file] };
    let why = Why { asked_by: "release".to_owned(), reason: format!("migrate {name}") };
    let command = [MIGRATE, "up", "--only", name].map(str::to_owned);
    let run = async {
        place.offer(MIGRATE, digest.as_str(), &bundle).await?;
        place.put(MIGRATE, digest.as_str(), &why).await?;
        place.run_once(MIGRATE, &command, &why).await
    };
    let ended = run.await.with_context(|| format!("{name} was not applied"))?;
    match ended.code {
        Some(0) => Ok(()),
        Some(code) => {
            bail!("{} failed at {} (exit code {code}):\n{}", command.join(" "), place.name(), ended.output)
        }
        None => bail!("{} was ended at {}:\n{}", command.join(" "), place.name(), ended.output),
    }
}
