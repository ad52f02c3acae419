//! Strict clients: every request counts, and none is repeated.
//!
//! A user's browser hides a refused connection by trying again; whoever wants to know whether a release failed
//! anybody must not.
//!
//! Several builds may answer at one address while one follows the other. An answer that names its build in the header
//! [`RELEASE_HEADER`] is counted for that build alone; one that names none is counted for whichever is asked about.

mod http;
mod pairs;
mod seen;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
pub use pairs::Pairs;
pub use seen::Seen;
use tokio::{task::JoinSet, time};

use http::OverHttp;

/// The header in which an answer names the build that gave it, as the process was told it (`RELEASE`).
pub const RELEASE_HEADER: &str = "sides-release";

/// The header in which an answer names the instance that gave it: `web.3`.
pub const INSTANCE_HEADER: &str = "sides-instance";

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to ask.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The address.
    pub address: SocketAddr,
    /// The path, such as `/`. It must be answered with 200.
    pub path: String,
    /// Clients that open a connection for each request.
    pub fresh: usize,
    /// Clients that keep theirs as long as they may.
    pub kept: usize,
    /// How long each client waits between two requests.
    pub pause: Duration,
}

/// One client.
#[async_trait]
pub trait Visitor: Send + 'static {
    /// Asks once, and repeats nothing.
    async fn ask(&mut self) -> Asked;
}

/// What happened to one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The build that answered, when the answer named one.
    pub release: Option<String>,
    /// What went wrong, in words that tell failures of different kinds apart; none for a good answer.
    pub failure: Option<String>,
}

impl Asked {
    /// A request without an answer.
    #[must_use]
    pub fn unanswered(reason: impl Into<String>) -> Self {
        Self { release: None, failure: Some(reason.into()) }
    }
}

/// After a failure a client waits at least so long: a server that is away is not to be hammered on.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// All that was seen, and what was seen since somebody last looked, by the build that answered.
#[derive(Default)]
struct Both {
    all: Seen,
    lap: BTreeMap<Option<String>, Seen>,
}

/// Asks until it is ended or dropped.
pub struct Prober {
    seen: Arc<Mutex<Both>>,
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
}

impl Prober {
    /// Starts all clients, inside a tokio runtime.
    #[must_use]
    pub fn start(plan: &Plan) -> Self {
        let visitor = |number: usize| {
            let keeps = number >= plan.fresh;
            Box::new(OverHttp::new(plan.clone(), keeps)) as Box<dyn Visitor>
        };
        Self::of((0..plan.fresh + plan.kept).map(visitor), plan.pause)
    }

    /// Starts these clients, each of which waits so long between two requests, inside a tokio runtime.
    pub fn of(visitors: impl IntoIterator<Item = Box<dyn Visitor>>, pause: Duration) -> Self {
        let (seen, stop) = (Arc::default(), Arc::default());
        let mut clients = JoinSet::new();
        for visitor in visitors {
            clients.spawn(ask_on(visitor, pause, Arc::clone(&seen), Arc::clone(&stop)));
        }
        Self { seen, stop, clients }
    }

    /// What was seen so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        lock(&self.seen).all.clone()
    }

    /// What was seen since the last call, or since the start.
    #[must_use]
    pub fn lap(&self) -> Seen {
        self.take(|_| true)
    }

    /// What was seen since the last call, or since the start, of one build: what it answered, and what nobody has put
    /// a name to, such as a connection that was refused.
    #[must_use]
    pub fn lap_of(&self, release: &str) -> Seen {
        self.take(|name| name.is_none_or(|name| name == release))
    }

    fn take(&self, is_wanted: impl Fn(Option<&str>) -> bool) -> Seen {
        let mut lap = Seen::default();
        for (name, seen) in std::mem::take(&mut lock(&self.seen).lap) {
            if is_wanted(name.as_deref()) {
                lap.add(&seen);
            }
        }
        lap
    }

    /// Lets every client finish its request, and tells what was seen.
    pub async fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.seen()
    }
}

async fn ask_on(
    mut visitor: Box<dyn Visitor>,
    pause: Duration,
    seen: Arc<Mutex<Both>>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let asked = time::timeout(PATIENCE, visitor.ask()).await;
        let Asked { release, failure } = asked.unwrap_or_else(|_| Asked::unanswered("no answer in time"));
        let took = begun.elapsed();
        {
            let mut seen = lock(&seen);
            seen.all.count(took, failure.as_deref());
            seen.lap.entry(release).or_default().count(took, failure.as_deref());
        }
        let pause = if failure.is_some() { pause.max(AFTER_FAILURE) } else { pause };
        if !pause.is_zero() {
            time::sleep(pause).await;
        }
    }
}

fn lock(seen: &Mutex<Both>) -> MutexGuard<'_, Both> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
