//! Everything before the processes start.

use std::{sync::Arc, time::Instant};

use platform::{
    local::{Launch, Ports},
    procfile,
};

use super::spinner::Spinner;
use super::{
    build,
    dev::Dev,
    launches,
    postgres::{self, Postgres},
    rolling::Rolling,
    schema,
};
use terminal::tell;

pub(super) struct Prepared {
    pub(super) postgres: Postgres,
    pub(super) launches: Vec<Launch>,
    /// `None` without sources.
    pub(super) rolling: Option<Rolling>,
    pub(super) ports: Arc<Ports>,
}

pub(super) async fn run(dev: &Dev) -> anyhow::Result<Prepared> {
    let procfiles = procfile::discover(dev.workspace.root())?;
    let palette = dev.screen.palette;
    // Side by side: a missing Postgres is said at once, not after minutes of building.
    let (built, postgres) = tokio::try_join!(
        async {
            let begun = Instant::now();
            Ok((build::run(dev, &procfiles).await?, begun.elapsed()))
        },
        async {
            let begun = Instant::now();
            Ok::<_, anyhow::Error>((postgres::open(dev).await?, begun.elapsed()))
        },
    )?;
    let ((built, build_took), (postgres, postgres_took)) = (built, postgres);
    dev.screen.line(&tell::done(palette, "built", build_took));
    dev.screen.line(&tell::done(
        palette,
        &format!("Postgres answers: {}", postgres.description()),
        postgres_took,
    ));
    if let Some(note) = postgres.note() {
        dev.screen.line(&tell::notice(palette, note));
    }
    let database_url = postgres.url().expose();
    if built.migrates {
        let begun = Instant::now();
        let spinner = Spinner::start(&dev.screen, "updating the schema");
        let migrated = schema::migrate(dev, &built.path, &database_url).await;
        drop(spinner);
        migrated?;
        dev.screen.line(&tell::done(palette, "the schema is up to date", begun.elapsed()));
    }
    let ports = Arc::new(Ports::default());
    let mut launches = launches::prepare(dev, procfiles, &built, &database_url, &ports).await?;
    let rolling = built
        .sources
        .map(|sources| Rolling::prepare(dev, sources, database_url, &mut launches))
        .transpose()?;
    Ok(Prepared { postgres, launches, rolling, ports })
}
