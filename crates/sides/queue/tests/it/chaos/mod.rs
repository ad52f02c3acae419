//! Real workers under load, killed, stopped beyond their lease, cut off and robbed of their Postgres, at random; then a
//! checker looks through what the test itself and the workers' diaries have written down, apart from the queue.
//!
//! `CHAOS_SEED` sets the order of the blows, `CHAOS_KILLS` and `CHAOS_RESTARTS` (`-m immediate`) how many there are of
//! those, `CHAOS_OTHERS` how many of each other kind.

mod check;
pub(crate) mod place;
mod witness;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use database::{Connection, DatabaseUrl};
use diesel_async::{AsyncConnection as _, SimpleAsyncConnection as _};
use nix::sys::signal::Signal;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde::{Deserialize, Serialize};
use sides_queue::{enqueue, enqueue_all};
use testing::wait_until;
use tokio::task::JoinHandle;

use self::{
    check::{Blow, History, Lost, Run, Time, leases},
    place::{Server, Worker},
    witness::TRIGGER,
};
use crate::fixture::count;

const WORKERS: usize = 4;
const LEASE: Duration = Duration::from_secs(3);
/// Beyond the lease, and long enough for others to notice.
const BEYOND: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Serialize, Deserialize)]
struct Chaos {
    number: u32,
    millis: u64,
}

impl job::Job for Chaos {
    const KIND: &'static str = "chaos";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Harm {
    Kill,
    Stop,
    Hold,
    Cut,
    Reset,
    FastRestart,
    ImmediateRestart,
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Everything that is to be done, in an order that the seed says.
fn plan(random: &mut StdRng) -> Vec<Harm> {
    use Harm::{Cut, FastRestart, Hold, ImmediateRestart, Kill, Reset, Stop};
    let others = number("CHAOS_OTHERS", 1);
    let mut plan = vec![Kill; number("CHAOS_KILLS", 2)];
    plan.extend(vec![ImmediateRestart; number("CHAOS_RESTARTS", 1)]);
    for harm in [Stop, Hold, Cut, Reset, FastRestart] {
        plan.extend(vec![harm; others]);
    }
    plan.shuffle(random);
    plan
}

/// Who enqueues, over a connection that is made again when it is lost.
struct Enqueuer {
    url: DatabaseUrl,
    connection: Option<Connection>,
    next: u32,
}

impl Enqueuer {
    async fn connection(&mut self) -> &mut Connection {
        while self.connection.is_none() {
            self.connection = database::connect(&self.url).await.ok();
        }
        self.connection.as_mut().expect("it was just made")
    }

    /// Some jobs one by one, some together, and some in a transaction that is undone.
    async fn enqueue(&mut self, random: &mut StdRng, history: &mut History) {
        for many in [1, 1, 60, 20, 1, 5] {
            let first = self.next;
            self.next += many;
            // One in four is still at it when the lease is gone, and also when the late word of who had it comes.
            let millis = |number| u64::from(if number % 4 == 0 { 1800 } else { number % 13 * 25 });
            let job = |number| Chaos { number, millis: millis(number) };
            let jobs: Vec<Chaos> = (first..self.next).map(job).collect();
            let undo = many == 5 && random.random_bool(0.5);
            let done: Result<(), sides_queue::EnqueueError> = self
                .connection()
                .await
                .transaction(async |c| {
                    match jobs.as_slice() {
                        [one] => drop(enqueue(c, one).await?),
                        all => drop(enqueue_all(c, all).await?),
                    }
                    if undo { Err(diesel::result::Error::RollbackTransaction.into()) } else { Ok(()) }
                })
                .await;
            if undo {
                continue;
            }
            history.enqueued.extend((first..self.next).map(|number| (number, done.is_ok())));
            if done.is_err() {
                self.connection = None;
            }
        }
    }
}

/// What runs, and what ran.
struct Arena {
    server: Server,
    folder: tempfile::TempDir,
    workers: Vec<Worker>,
    dead: Vec<Worker>,
    blows: HashMap<usize, Vec<Blow>>,
    pending: Vec<JoinHandle<(usize, Blow)>>,
}

impl Arena {
    async fn start() -> Self {
        let server = Server::start().await;
        let mut c = database::connect(&server.url).await.unwrap();
        c.batch_execute(TRIGGER).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            workers.push(Worker::start(&server.url, number, folder.path(), LEASE).await);
        }
        Self { server, folder, workers, dead: Vec::new(), blows: HashMap::new(), pending: Vec::new() }
    }

    async fn harm(&mut self, harm: Harm, random: &mut StdRng) {
        wait_until("somebody is there to be harmed", PATIENCE, async || {
            self.workers.iter().any(|worker| !worker.is_away())
        })
        .await;
        let here: Vec<usize> = (0..WORKERS).filter(|at| !self.workers[*at].is_away()).collect();
        let at = here[random.random_range(0..here.len())];
        // Who has nothing to do has nothing to lose; but a job may also be with the others.
        let busy = async || {
            let (runs, _) = self.workers[at].diary();
            runs.iter().any(|run| run.end.is_none())
        };
        let begun = Instant::now();
        while !busy().await && begun.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match harm {
            Harm::Kill => {
                let number = self.workers.len() + self.dead.len();
                let blow = self.workers[at].kill().await;
                self.blows.entry(self.workers[at].number).or_default().push(blow);
                let next = Worker::start(&self.server.url, number, self.folder.path(), LEASE).await;
                self.dead.push(std::mem::replace(&mut self.workers[at], next));
            }
            Harm::Stop => self.pending.push(self.workers[at].stop(BEYOND)),
            Harm::Hold => self.pending.push(self.workers[at].hold(BEYOND)),
            Harm::Cut => {
                let time = Duration::from_millis(random.random_range(0..100));
                self.pending.push(self.workers[at].cut(time));
            }
            Harm::Reset => {
                let mut c = database::connect(&self.server.url).await.unwrap();
                let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
                count(&mut c, others).await;
            }
            Harm::FastRestart => self.server.restart(Signal::SIGINT).await,
            Harm::ImmediateRestart => self.server.restart(Signal::SIGQUIT).await,
        }
    }

    /// Waits until every job is over. Answers how many had been parked, as three workers had died with them: those are
    /// tried again.
    async fn settle(&mut self) -> i64 {
        for pending in self.pending.drain(..) {
            let (worker, blow) = pending.await.unwrap();
            self.blows.entry(worker).or_default().push(blow);
        }
        let c = tokio::sync::Mutex::new(database::connect(&self.server.url).await.unwrap());
        let none = async |which: &str| {
            let left = format!("SELECT count(*) FROM sides.fang_tasks WHERE {which}");
            count(&mut *c.lock().await, &left).await == 0
        };
        // Each blow brought half a minute's work for one slot.
        let patience = PATIENCE + Duration::from_secs(5) * u32::try_from(self.dead.len()).unwrap();
        wait_until("all jobs are over", patience, async || none("state <> 'failed'").await).await;
        let parked = "SELECT count(*) FROM sides.retry_jobs(ARRAY(SELECT id FROM sides.fang_tasks))";
        let parked = count(&mut *c.lock().await, parked).await;
        wait_until("also those that were parked", PATIENCE, async || none("true").await).await;
        parked
    }

    fn diaries(&self) -> (Vec<Run>, HashMap<usize, Vec<Blow>>) {
        let (mut runs, mut blows) = (Vec::new(), self.blows.clone());
        for worker in self.workers.iter().chain(&self.dead) {
            let (own, stalls) = worker.diary();
            runs.extend(own);
            blows.entry(worker.number).or_default().extend(stalls);
        }
        (runs, blows)
    }

    /// Whoever began a job, lost it and lived on finds out when it is done with it, and says so.
    async fn every_late_word_is_refused(&self, lost: &[Lost], runs: &[Run]) -> usize {
        let began = |lost: &&Lost| {
            let mut own = runs.iter().filter(|run| run.worker == lost.worker && run.job == lost.job);
            !lost.came_back && own.any(|run| (lost.claimed..=lost.at).contains(&run.start))
        };
        let mut refused = 0;
        for lost in lost.iter().filter(began) {
            let Some(worker) = self.workers.iter().find(|worker| worker.number == lost.worker) else {
                continue;
            };
            let said = async || {
                let output = worker.program.output();
                output.lines().any(|line| line.contains("lease lost") && line.contains(&lost.job))
            };
            wait_until(&format!("it is said that {lost:?}"), PATIENCE, said).await;
            refused += 1;
        }
        refused
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_only_what_lost_its_worker_runs_twice() {
    let (seed, begun) = (number("CHAOS_SEED", 7), Instant::now());
    let mut random = StdRng::seed_from_u64(seed as u64);
    let plan = plan(&mut random);
    let mut arena = Arena::start().await;
    let enough = Time::try_from(LEASE.as_micros()).unwrap() / 6;
    let mut history = History { enough, ..History::default() };
    let mut enqueuer = Enqueuer { url: arena.server.url.clone(), connection: None, next: 0 };
    for harm in &plan {
        enqueuer.enqueue(&mut random, &mut history).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..200))).await;
        arena.harm(*harm, &mut random).await;
    }
    let parked = arena.settle().await;
    let mut c = database::connect(&arena.server.url).await.unwrap();
    let changes = witness::changes(&mut c).await;
    (history.runs, history.blows) = arena.diaries();
    let (lost, mut faults) = leases(&changes, &history.runs);
    faults.extend(history.faults());
    assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
    let refused = arena.every_late_word_is_refused(&lost, &history.runs).await;
    // What was refused late has changed nothing since.
    let after = witness::changes(&mut c).await;
    assert_eq!(after.len(), changes.len(), "seed {seed}: {:?}", &after[changes.len()..]);
    let harms: BTreeMap<Harm, usize> = plan.iter().fold(BTreeMap::new(), |mut harms, harm| {
        *harms.entry(*harm).or_insert(0) += 1;
        harms
    });
    println!(
        "seed {seed}: {harms:?}; {} jobs, {} runs, {} of them again; {} leases lost, {refused} late words refused, \
         {parked} jobs parked; {} s",
        history.enqueued.len(),
        history.runs.len(),
        history.again(),
        lost.len(),
        begun.elapsed().as_secs(),
    );
    let silenced = harms.get(&Harm::Stop).copied().unwrap_or(0);
    assert!(refused > 0 || silenced < 5, "seed {seed}: so many were silenced, and none had anything to say");
}
