//! Which place runs each process, from `deploy/targets.toml`.

mod running;

use std::{collections::BTreeMap, env, sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use database::DatabaseUrl;
use heroku::{Client, Heroku, Settings, Token, Witness};
use platform::{
    local::LocalHost,
    place::Place,
    targets::{HerokuPlace, MIGRATE},
};

use workspace::{HEROKU_KEY, Workspace, instances, named_database, targets};

pub use running::Kept;

/// Another address of the API, as Heroku's own command line has it.
const API: &str = "HEROKU_API_URL";

/// For commands that are of use without what places say.
const LIMIT: Duration = Duration::from_secs(15);

/// What places answer, if they do so soon.
///
/// # Errors
/// As the question's, and when there is no answer within 15 s.
pub async fn answer<T>(question: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let answer = tokio::time::timeout(LIMIT, question).await;
    answer.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {} s", LIMIT.as_secs())))
}

/// The places of a workspace.
pub struct Places {
    local: Arc<LocalHost>,
    /// By process.
    remote: BTreeMap<String, Arc<Heroku>>,
    /// Where migrations run; none is the machine that releases.
    migrations: Option<Arc<Heroku>>,
}

impl Places {
    /// Reads the targets and gets to know the places that are not this machine.
    pub async fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let targets = targets(workspace)?;
        let (mut remote, mut migrations) = (BTreeMap::new(), None);
        for (name, place, apps) in targets.heroku() {
            let processes: Vec<String> = apps.keys().cloned().collect();
            if processes.is_empty() {
                continue;
            }
            let mut heroku = Heroku::new(name, client()?, settings(place, apps)?);
            heroku.learn().await?;
            let heroku = Arc::new(heroku);
            remote.extend(processes.into_iter().map(|process| (process, Arc::clone(&heroku))));
            migrations = remote.remove(MIGRATE).or(migrations);
        }
        Ok(Self { remote, migrations, ..Self::here(workspace) })
    }

    /// This machine alone.
    pub fn here(workspace: &Workspace) -> Self {
        let local = Arc::new(LocalHost::of(&workspace.run_folder()));
        Self { local, remote: BTreeMap::new(), migrations: None }
    }

    /// Where a process runs: what `deploy/targets.toml` says, or else this machine's host.
    pub fn place_of(&self, process: &str) -> Arc<dyn Place> {
        match self.remote.get(process) {
            Some(heroku) => Arc::clone(heroku) as Arc<dyn Place>,
            None => Arc::clone(&self.local) as Arc<dyn Place>,
        }
    }

    /// The remote processes: those that do not run on this machine.
    pub fn remote(&self) -> impl Iterator<Item = &str> {
        self.remote.keys().map(String::as_str)
    }

    /// The place where migrations run, as the process [`MIGRATE`]; none is the machine that releases.
    pub fn migrations(&self) -> Option<&dyn Place> {
        self.migrations.as_deref().map(|heroku| heroku as &dyn Place)
    }

    /// Whether it runs on this machine.
    pub fn is_local(&self, process: &str) -> bool {
        !self.remote.contains_key(process)
    }
}

/// Heroku's API, with the token from the environment.
pub fn client() -> anyhow::Result<Client> {
    let token = env::var(HEROKU_KEY).ok().filter(|text| !text.trim().is_empty()).with_context(|| {
        format!("{HEROKU_KEY} is not set: create a token with `heroku authorizations:create` and set it")
    })?;
    // Only fails when one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().build().context("cannot create an HTTP client")?;
    let api = env::var(API).unwrap_or_else(|_| Client::API.to_owned());
    Ok(Client::new(&api, Token::new(token), http))
}

fn settings(place: &HerokuPlace, apps: BTreeMap<String, String>) -> anyhow::Result<Settings> {
    let witness = named_database()?.map(|url| Arc::new(Heartbeats(url)) as Arc<dyn Witness>);
    let once = [MIGRATE.to_owned()].into();
    Ok(Settings { apps, once, most_instances: place.most_dynos, witness, ..Settings::default() })
}

/// The rows that processes write while they live, wherever they run.
struct Heartbeats(DatabaseUrl);

#[async_trait]
impl Witness for Heartbeats {
    async fn ready(&self, process: &str, release: &str) -> Result<usize, String> {
        let alive = instances::alive(&self.0).await.map_err(|error| format!("{error:#}"))?;
        let is_it = |one: &&instances::Instance| {
            one.process == process && one.is_ready() && release.starts_with(one.release.as_str())
        };
        Ok(alive.iter().filter(is_it).count())
    }
}
