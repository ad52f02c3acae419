//! Two servers asked the same thing in turn: whatever else the machine is busy with happens to both.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{task::JoinSet, time};

use super::{Plan, Visitor as _, http::OverHttp};

/// How many ask at the same time, each with a kept connection to both servers.
const LANES: usize = 4;
/// How often each lane asks both before times count: the first requests of a process pay for its pools and caches.
const WARM_UP: u32 = 10;
/// A slow server is warm after this time, too.
const WARM_UP_LIMIT: Duration = Duration::from_secs(1);
/// So many pairs tell even a small difference from noise.
const MOST: usize = 300;
/// How many are wanted before it is over.
const LEAST: usize = 160;
/// How long is asked where that gives at least [`LEAST`] pairs.
const ENOUGH: Duration = Duration::from_secs(2);
/// How long is asked at most, where answers are slow or the machine is busy.
const LIMIT: Duration = Duration::from_secs(6);
/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// What two servers, an old and a new one, answered in the same seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// How long two requests took that followed each other and were both answered well, in microseconds: the old server's,
    /// and the new one's.
    pub took: Vec<(u64, u64)>,
    /// How often each was asked, the requests that warm up included.
    pub asked: u64,
    /// What went wrong at the old server, and how often.
    pub old_failures: BTreeMap<String, u64>,
    /// What went wrong at the new server, and how often.
    pub new_failures: BTreeMap<String, u64>,
}

impl Pairs {
    /// Asks both for `path` in turn, for about two seconds; longer where answers are slow.
    pub async fn ask(old: SocketAddr, new: SocketAddr, path: &str) -> Self {
        let pairs = Arc::new(Mutex::new(Self::default()));
        let mut lanes = JoinSet::new();
        for number in 0..LANES {
            let client = |address| {
                let plan = Plan { address, path: path.to_owned(), fresh: 0, kept: 1, pause: Duration::ZERO };
                OverHttp::new(plan, true)
            };
            let lane = Lane { old: client(old), new: client(new), pairs: Arc::clone(&pairs) };
            lanes.spawn(lane.run(number));
        }
        lanes.join_all().await;
        std::mem::take(&mut *lock(&pairs))
    }
}

struct Lane {
    old: OverHttp,
    new: OverHttp,
    pairs: Arc<Mutex<Pairs>>,
}

impl Lane {
    async fn run(mut self, number: usize) {
        let begun = Instant::now();
        for turn in 0..WARM_UP {
            self.ask_both(turn % 2 == 0).await;
            if begun.elapsed() > WARM_UP_LIMIT {
                break;
            }
        }
        let begun = Instant::now();
        // Who is asked second finds the machine as the first one left it: they take turns in that, too.
        for turn in number.. {
            let took = self.ask_both(turn % 2 == 0).await;
            let count = {
                let mut pairs = lock(&self.pairs);
                pairs.took.extend(took);
                pairs.took.len()
            };
            let (elapsed, is_enough) = (begun.elapsed(), count >= LEAST);
            if count >= MOST || elapsed > LIMIT || (is_enough && elapsed > ENOUGH) {
                break;
            }
        }
    }

    /// How long each took, when both answered well.
    async fn ask_both(&mut self, old_first: bool) -> Option<(u64, u64)> {
        let (old, new) = match old_first {
            true => {
                let old = ask(&mut self.old).await;
                (old, ask(&mut self.new).await)
            }
            false => {
                let new = ask(&mut self.new).await;
                (ask(&mut self.old).await, new)
            }
        };
        let mut pairs = lock(&self.pairs);
        pairs.asked += 1;
        let old = old.map_err(|failure| *pairs.old_failures.entry(failure).or_default() += 1);
        let new = new.map_err(|failure| *pairs.new_failures.entry(failure).or_default() += 1);
        Some((old.ok()?, new.ok()?))
    }
}

async fn ask(client: &mut OverHttp) -> Result<u64, String> {
    let begun = Instant::now();
    match time::timeout(PATIENCE, client.ask()).await {
        Ok(asked) => match asked.failure {
            None => Ok(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Some(failure) => Err(failure),
        },
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn lock(pairs: &Mutex<Pairs>) -> MutexGuard<'_, Pairs> {
    pairs.lock().unwrap_or_else(PoisonError::into_inner)
}
