//! The settings of a [`Heroku`](crate::Heroku).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

/// Apps and waits.
#[derive(Clone)]
pub struct Settings {
    /// The app of each process.
    pub apps: BTreeMap<String, String>,
    /// Those of them that are only [run once](platform::place::Place::run_once): a release of them starts nothing.
    pub once: BTreeSet<String>,
    /// What a visitor asks of a web app to see that it answers; below 400 is an answer.
    pub probe: String,
    /// How long a release may take until it answers. Heroku gives a web dyno 60 s to boot.
    pub patience: Duration,
    /// Between two looks at something that takes long; the first ones follow each other quicker.
    pub pace: Duration,
    /// How long old web dynos go on beside new ones with preboot.
    pub preboot_window: Duration,
    /// How long an instance without an address has to stay up before it counts, when nobody [witnesses](Witness).
    pub settle: Duration,
    /// The most dynos of one process that the plan allows.
    pub most_instances: u32,
    /// Who else can tell that a release is ready.
    pub witness: Option<Arc<dyn Witness>>,
    /// The processes whose app has preboot, as far as it was asked.
    pub preboot: BTreeMap<String, bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            once: BTreeSet::new(),
            probe: "/".to_owned(),
            patience: Duration::from_secs(300),
            pace: Duration::from_secs(2),
            preboot_window: Duration::from_secs(200),
            settle: Duration::from_secs(10),
            most_instances: 100,
            witness: None,
            preboot: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("apps", &self.apps).finish_non_exhaustive()
    }
}

/// Sees from elsewhere whether instances are ready: they write it into the database they share.
#[async_trait]
pub trait Witness: Send + Sync {
    /// How many instances of this release of a process say that they are ready; an error is a reason to ask again.
    async fn ready(&self, process: &str, release: &str) -> Result<usize, String>;
}
