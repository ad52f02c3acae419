//! The database: the one of `DATABASE_URL`, or a private one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use database::DatabaseUrl;
use install::Need;
use postgres::{Cluster, ClusterError, Opened, Settings};
use tokio::{sync::watch, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use super::dev::Dev;
use terminal::Screen;
use terminal::tell;
use workspace::{
    Workspace,
    control::{DevStatus, PostgresState},
    named_database,
};

const PAUSE_BETWEEN_PINGS: Duration = Duration::from_secs(2);
/// The pause before the private one is started again, after its first failed start.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct Postgres {
    url: DatabaseUrl,
    /// The private one, when this process runs it.
    cluster: Option<Cluster>,
    note: Option<String>,
    is_private: bool,
}

/// Finds the database and waits until it answers.
pub(super) async fn open(dev: &Dev) -> anyhow::Result<Postgres> {
    let postgres = match named_database()? {
        Some(url) => {
            drop(database::connect(&url).await.context(
                "the Postgres at DATABASE_URL does not answer; start it, or unset DATABASE_URL to use a private \
                 one",
            )?);
            Postgres { url, cluster: None, note: None, is_private: false }
        }
        None => open_private(dev).await?,
    };
    let description = postgres.description();
    dev.status.send_modify(|status| {
        status.postgres.state = PostgresState::Ready;
        status.postgres.description = Some(description);
    });
    Ok(postgres)
}

async fn open_private(dev: &Dev) -> anyhow::Result<Postgres> {
    let consent = dev.options.consent;
    let (screen, palette) = (Arc::clone(&dev.screen), dev.screen.palette);
    tokio::task::spawn_blocking(move || {
        install::ensure(Need::Postgres, consent, &mut |line| screen.line(&tell::notice(palette, line)))
    })
    .await?
    .context("there is no database: DATABASE_URL is not set, and no private one can be started")?;
    let opened = open_cluster(&dev.workspace).await?;
    let url = opened.url().parse().context("cannot parse the address of the private Postgres")?;
    let (cluster, note) = match opened {
        Opened::Started(cluster) => {
            let note = cluster.note().map(str::to_owned);
            (Some(cluster), note)
        }
        Opened::Running { .. } => (None, None),
    };
    Ok(Postgres { url, cluster, note, is_private: true })
}

async fn open_cluster(workspace: &Workspace) -> Result<Opened, ClusterError> {
    Cluster::open(workspace.postgres_folder(), Settings::default()).await
}

impl Postgres {
    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    pub(super) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Which one it is, without a password.
    pub(super) fn description(&self) -> String {
        if self.is_private { "private, in .sides/postgres".to_owned() } else { self.url.to_string() }
    }
}

/// Keeps an eye on the database, and keeps the private one running.
pub(super) struct Watcher {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Watcher {
    pub(super) fn start(dev: &Dev, postgres: Postgres) -> Self {
        let stop = CancellationToken::new();
        let watch = Watch {
            workspace: dev.workspace.clone(),
            status: dev.status.clone(),
            screen: Arc::clone(&dev.screen),
            stop: stop.clone(),
        };
        Self { stop, task: tokio::spawn(watch.run(postgres)) }
    }

    /// Stops the private one and waits for its end.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        drop(self.task.await);
    }
}

struct Watch {
    workspace: Workspace,
    status: watch::Sender<DevStatus>,
    screen: Arc<Screen>,
    stop: CancellationToken,
}

impl Watch {
    async fn run(self, postgres: Postgres) {
        let Postgres { url, mut cluster, .. } = postgres;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = end_of(cluster.as_ref()) => {
                    self.away("it exited and is being restarted");
                    // Its locks go with it: it must be gone before the next one.
                    drop(cluster.take());
                    cluster = self.open_again().await;
                }
                () = self.ping_for_ever(&url) => {}
            }
        }
        if let Some(cluster) = cluster {
            cluster.stop().await;
        }
    }

    /// Starts the private one until it runs, or everything stops.
    async fn open_again(&self) -> Option<Cluster> {
        let mut pause = FIRST_PAUSE;
        let begun = Instant::now();
        while !self.stop.is_cancelled() {
            match open_cluster(&self.workspace).await {
                Ok(Opened::Started(cluster)) => {
                    self.ready(begun.elapsed());
                    return Some(cluster);
                }
                Ok(Opened::Running { .. }) => {
                    self.ready(begun.elapsed());
                    return None;
                }
                Err(error) => self.away(&error.to_string()),
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }

    async fn ping_for_ever(&self, url: &DatabaseUrl) {
        let mut away_since = None;
        loop {
            time::sleep(PAUSE_BETWEEN_PINGS).await;
            match (database::connect(url).await, away_since) {
                (Ok(_), None) => {}
                (Ok(_), Some(since)) => {
                    self.ready(Instant::now().duration_since(since));
                    away_since = None;
                }
                (Err(error), since) => {
                    away_since = since.or(Some(Instant::now()));
                    self.away(&deepest(&error));
                }
            }
        }
    }

    fn away(&self, reason: &str) {
        let news = self.status.send_if_modified(|status| {
            let before = status.postgres.state;
            status.postgres.state = PostgresState::Away;
            status.postgres.reason = Some(reason.to_owned());
            before != PostgresState::Away
        });
        if news {
            self.say(&format!("Postgres does not answer: {reason}"));
        }
    }

    fn ready(&self, after: Duration) {
        self.status.send_modify(|status| {
            status.postgres.state = PostgresState::Ready;
            status.postgres.reason = None;
        });
        self.screen.line(&tell::done(self.screen.palette, "Postgres answers again", after));
    }

    fn say(&self, text: &str) {
        self.screen.line(&tell::fault(self.screen.palette, text));
    }
}

/// Waits for the end of a server of ours; for ever when there is none.
async fn end_of(cluster: Option<&Cluster>) {
    match cluster {
        Some(cluster) => drop(cluster.ended().await),
        None => std::future::pending().await,
    }
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}
