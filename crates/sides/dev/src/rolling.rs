//! After a save: rebuilds, and replaces the processes whose bytes changed, one after the other. An error is shown,
//! and what ran before keeps running.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use platform::local::{Launch, Supervisor};

use super::{
    build::{self, MIGRATE, Sources, search_path},
    dev::Dev,
    programs::{self, Kept},
    saves::Saves,
    schema,
};
use terminal::tell;

/// A new instance that is not ready by then is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is needed to build and start again.
pub(super) struct Rolling {
    sources: Sources,
    database_url: String,
    kept: HashMap<String, Kept>,
    saves: Option<Saves>,
}

impl Rolling {
    /// Keeps the programs that were just built, and has the launches start those.
    pub(super) fn prepare(
        dev: &Dev,
        sources: Sources,
        database_url: String,
        launches: &mut [Launch],
    ) -> anyhow::Result<Self> {
        programs::clear(&dev.workspace)?;
        // From before the first start on: a save while the processes start must not go unseen.
        let saves = match dev.options.watch {
            true => Some(Saves::watch(dev.workspace.root(), &sources.target_directory)?),
            false => None,
        };
        let mut kept = HashMap::new();
        for program in &sources.programs {
            kept.insert(program.clone(), Kept::keep(&dev.workspace, &sources, program)?);
        }
        for launch in launches {
            if let Some(program) = kept.get(&launch.procfile.program) {
                launch.path = path_of(program, &sources)?;
            }
        }
        Ok(Self { sources, database_url, kept, saves })
    }

    /// Follows the saves for ever.
    pub(super) async fn follow(&mut self, dev: &Dev, supervisor: &mut Supervisor, launches: &mut [Launch]) {
        loop {
            let Some(saves) = &mut self.saves else { return std::future::pending().await };
            let files = saves.next().await;
            dev.screen.line(&tell::change(dev.screen.palette, &named(dev, &files)));
            if let Err(error) = self.once(dev, supervisor, launches).await {
                let text = format!("{error:#}; the running processes were left alone");
                dev.screen.line(&tell::fault(dev.screen.palette, &text));
            }
        }
    }

    async fn once(
        &mut self,
        dev: &Dev,
        supervisor: &mut Supervisor,
        launches: &mut [Launch],
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        build::build(dev, &self.sources.programs).await?;
        let changed = self.changed()?;
        if changed.contains(MIGRATE) {
            self.migrate(dev).await?;
        }
        let mut order: Vec<&mut Launch> =
            launches.iter_mut().filter(|launch| changed.contains(&launch.procfile.program)).collect();
        // Who answers visitors goes last: a worker that knows a new job comes before the page that enqueues it.
        order.sort_by_key(|launch| launch.listener.is_some());
        if order.is_empty() {
            dev.screen.line(&tell::done(dev.screen.palette, "no process has changed", begun.elapsed()));
        }
        for launch in order {
            self.replace(dev, supervisor, launch).await?;
            let text = format!("{} runs the new build", launch.procfile.name);
            dev.screen.line(&tell::done(dev.screen.palette, &text, begun.elapsed()));
        }
        Ok(())
    }

    fn changed(&self) -> anyhow::Result<BTreeSet<String>> {
        let mut changed = BTreeSet::new();
        for (program, kept) in &self.kept {
            if !kept.is_current(&self.sources)? {
                changed.insert(program.clone());
            }
        }
        Ok(changed)
    }

    /// The schema goes first; a process never changes it.
    async fn migrate(&mut self, dev: &Dev) -> anyhow::Result<()> {
        let fresh = Kept::keep(&dev.workspace, &self.sources, MIGRATE)?;
        schema::migrate(dev, &path_of(&fresh, &self.sources)?, &self.database_url).await?;
        self.kept.insert(MIGRATE.to_owned(), fresh);
        Ok(())
    }

    async fn replace(
        &mut self,
        dev: &Dev,
        supervisor: &mut Supervisor,
        launch: &mut Launch,
    ) -> anyhow::Result<()> {
        let program = launch.procfile.program.clone();
        let fresh = Kept::keep(&dev.workspace, &self.sources, &program)?;
        let new = Launch { path: path_of(&fresh, &self.sources)?, ..launch.clone() };
        supervisor.roll(new.clone(), PATIENCE).await?;
        *launch = new;
        self.kept.insert(program, fresh);
        Ok(())
    }
}

fn path_of(program: &Kept, sources: &Sources) -> anyhow::Result<OsString> {
    let folders = [program.folder().to_owned(), sources.folder.clone()];
    search_path(folders)
}

/// The file that was saved, or how many.
fn named(dev: &Dev, files: &BTreeSet<PathBuf>) -> String {
    let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let first = first.strip_prefix(dev.workspace.root()).unwrap_or(first).display();
    match files.len() {
        0 | 1 => first.to_string(),
        more => format!("{first} and {} more", more - 1),
    }
}
