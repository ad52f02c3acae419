//! The worker pool: slots that run jobs, on a runtime of their own.
//!
//! Handlers are other people's code: one that blocks its thread must not stop the heartbeat, the claims or the
//! acknowledgements. And one that cannot be stopped costs its thread, not its slot: when it is overdue its
//! outcome is written without it, and a new runtime takes over.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use job::Policy;
use tokio::runtime::Runtime;

use super::{
    attempt,
    buffer::{Buffer, Generation},
    lease::Lease,
    outcome::Outcome,
    outcomes::Outcomes,
    sql::claim::Claimed,
    stop::{Stop, StopReason},
};
use crate::Registry;

/// A dropped attempt ends by itself; only one that blocks its thread is still there after this.
const SLACK: Duration = Duration::from_secs(1);
/// A runtime on which nothing at all moves for so long is blocked.
const STALLED: Duration = Duration::from_secs(2);

/// What a slot is doing.
#[derive(Debug)]
struct Running {
    job: Arc<Claimed>,
    policy: Policy,
    started: Instant,
    /// When it will have been dropped, unless it blocks.
    overdue: Instant,
    stop: Stop,
}

type Slot = Arc<Mutex<Option<Running>>>;

/// What all slots share.
pub(crate) struct PoolContext<S> {
    pub(crate) registry: Registry<S>,
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) grace: Duration,
}

/// The slots and their runtimes.
pub(crate) struct WorkerPool<S> {
    place: Arc<PoolContext<S>>,
    concurrency: usize,
    runtimes: Vec<SlotRuntime>,
}

/// A runtime and the slots that work on it.
struct SlotRuntime {
    runtime: Option<Runtime>,
    generation: Arc<Generation>,
    slots: Vec<Slot>,
    /// Set by a task on the runtime, cleared by whoever asks for a sign of life.
    alive: Arc<AtomicBool>,
    asked: Option<Instant>,
    blocked: usize,
}

impl<S: Clone + Send + Sync + 'static> WorkerPool<S> {
    /// Slots that wait for jobs.
    pub(crate) fn start(place: Arc<PoolContext<S>>, concurrency: usize) -> std::io::Result<Self> {
        let mut pool = Self { place, concurrency, runtimes: Vec::new() };
        pool.take_over()?;
        Ok(pool)
    }

    /// A new runtime with all slots; those of the former one end after their present job.
    fn take_over(&mut self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads())
            .thread_name("handlers")
            .enable_all()
            .build()?;
        let generation = self.place.buffer.next_generation();
        generation.slots.store(self.concurrency, Ordering::Release);
        let slots: Vec<Slot> = (0..self.concurrency).map(|_| Slot::default()).collect();
        for slot in &slots {
            runtime.spawn(work(Arc::clone(&self.place), Arc::clone(&generation), Arc::clone(slot)));
        }
        let alive = Arc::new(AtomicBool::new(true));
        self.runtimes.push(SlotRuntime {
            runtime: Some(runtime),
            generation,
            slots,
            alive,
            asked: None,
            blocked: 0,
        });
        Ok(())
    }

    /// Writes the outcome of what can no longer be stopped, and replaces a runtime that is blocked. Called now and then.
    pub(crate) fn look_after(&mut self) {
        let now = Instant::now();
        let mut lost = false;
        for runtime in &mut self.runtimes {
            for slot in &runtime.slots {
                let overdue = {
                    let mut slot = lock(slot);
                    slot.take_if(|running| running.is_overdue(now, self.place.grace))
                };
                let Some(Running { job, policy, started, stop, .. }) = overdue else { continue };
                tracing::error!(job.id = %job.id, job.kind = job.kind, "a handler blocks its thread; it is left behind");
                self.place.outcomes.push(attempt::blocked(&job, &policy, &stop, now - started));
                self.place.buffer.done();
                runtime.blocked += 1;
                lost = true;
            }
        }
        let stalled = self.runtimes.last_mut().is_some_and(|runtime| runtime.is_stalled(now));
        if stalled && !lost {
            tracing::error!("handlers block all threads; new jobs run on new ones");
        }
        if (lost || stalled)
            && let Err(error) = self.take_over()
        {
            tracing::error!(%error, "no new threads for handlers");
        }
        self.dismiss();
    }

    /// Former runtimes end when only blocked handlers are left on them.
    fn dismiss(&mut self) {
        let current = self.runtimes.len().saturating_sub(1);
        let mut index = 0;
        self.runtimes.retain(|runtime| {
            index += 1;
            index > current || runtime.generation.slots.load(Ordering::Acquire) > runtime.blocked
        });
    }

    /// Tells running attempts to stop, those that `which` says.
    pub(crate) fn stop(&self, reason: &StopReason, which: impl Fn(&Claimed) -> bool) {
        for slot in self.runtimes.iter().flat_map(|runtime| &runtime.slots) {
            if let Some(running) = &*lock(slot)
                && which(&running.job)
            {
                running.stop.stop(reason.clone());
            }
        }
    }
}

impl Running {
    fn new(job: Arc<Claimed>, policy: Policy, stop: Stop, grace: Duration) -> Self {
        let started = Instant::now();
        let overdue = started + policy.timeout + grace + SLACK;
        Self { job, policy, started, overdue, stop }
    }

    fn is_overdue(&mut self, now: Instant, grace: Duration) -> bool {
        if self.stop.reason().is_some() {
            self.overdue = self.overdue.min(now + grace + SLACK);
        }
        now > self.overdue
    }
}

impl SlotRuntime {
    fn is_stalled(&mut self, now: Instant) -> bool {
        if self.alive.swap(false, Ordering::AcqRel) {
            self.asked = Some(now);
            let alive = Arc::clone(&self.alive);
            if let Some(runtime) = &self.runtime {
                runtime.spawn(async move { alive.store(true, Ordering::Release) });
            }
        }
        self.asked.is_some_and(|asked| now - asked > STALLED)
    }
}

impl Drop for SlotRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Never waits: a blocked thread would not end.
            runtime.shutdown_background();
        }
    }
}

/// One slot: job after job, until there are no more.
async fn work<S: Clone + Send + Sync + 'static>(
    place: Arc<PoolContext<S>>,
    generation: Arc<Generation>,
    slot: Slot,
) {
    while let Some(job) = place.buffer.next(&generation).await {
        // Who has stood still finds out here that another runner may have the job by now.
        if place.lease.is_lost(Instant::now()) {
            place.outcomes.push(Outcome::untouched(&job));
            place.buffer.done();
            continue;
        }
        let stop = Stop::default();
        let policy = place.registry.entry(&job.kind).map_or(Policy::DEFAULT, |entry| entry.policy);
        *lock(&slot) = Some(Running::new(Arc::clone(&job), policy, stop.clone(), place.grace));
        let outcome = match attempt::open(&place.registry, &job, &stop) {
            Ok(opened) => {
                if opened.policy != policy
                    && let Some(running) = &mut *lock(&slot)
                {
                    *running = Running::new(Arc::clone(&job), opened.policy, stop.clone(), place.grace);
                }
                let mut running = std::pin::pin!(attempt::run(opened, &job, &stop, place.grace));
                match poll_once(running.as_mut()).await {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        place.buffer.pass_on(&generation);
                        running.await
                    }
                }
            }
            Err(outcome) => outcome,
        };
        if lock(&slot).take().is_none() {
            // It came back after all, but its outcome was written without it. It stays counted, as one of
            // the blocked.
            return;
        }
        place.outcomes.push(outcome);
        place.buffer.done();
        tokio::task::coop::consume_budget().await;
    }
    generation.slots.fetch_sub(1, Ordering::AcqRel);
}

async fn poll_once<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut future).poll(context))).await
}

/// Threads that run handlers: more than a few may block theirs for a moment.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).max(4)
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Running>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
