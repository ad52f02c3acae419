//! The buffer of claimed jobs: they wait in it for a slot, and slots for a job.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use super::sql::claim::Claimed;

/// The slots of one runtime. When a handler has taken that runtime down, another generation takes over.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    arrived: Notify,
    retired: AtomicBool,
    /// Slots that have not ended.
    pub(crate) slots: AtomicUsize,
}

/// Shared by the claimer, which brings jobs, and the slots, which take them.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    ready: Mutex<VecDeque<Arc<Claimed>>>,
    current: Mutex<Arc<Generation>>,
    busy: AtomicUsize,
    /// The claimer wants to hear when no more than this many are ready.
    low: AtomicUsize,
    closed: AtomicBool,
    /// Jobs run low, a slot came free, or outcomes were written.
    pub(crate) capacity: Notify,
}

impl Buffer {
    /// Brings jobs, and wakes as many slots as there are threads to run them; those wake others when their jobs
    /// wait for something ([`Buffer::pass_on`]). Jobs that never wait are so run by a few slots, one after the other.
    pub(crate) fn bring(&self, jobs: Vec<Claimed>, threads: usize) {
        let wake = jobs.len().min(threads);
        self.ready().extend(jobs.into_iter().map(Arc::new));
        let current = Arc::clone(&self.current());
        (0..wake).for_each(|_| current.arrived.notify_one());
    }

    /// The job of a slot waits for something: another slot may take the next job meanwhile.
    pub(crate) fn pass_on(&self, generation: &Generation) {
        if self.waiting() > 0 {
            generation.arrived.notify_one();
        }
    }

    /// The next job for a slot of this generation; `None` when there will be no more.
    pub(crate) async fn next(&self, generation: &Generation) -> Option<Arc<Claimed>> {
        loop {
            if !generation.retired.load(Ordering::Acquire)
                && let Some(job) = self.take()
            {
                return Some(job);
            }
            // Listening before looking again: what is brought in between is not missed.
            let mut arrived = std::pin::pin!(generation.arrived.notified());
            arrived.as_mut().enable();
            if generation.retired.load(Ordering::Acquire) {
                return None;
            }
            if let Some(job) = self.take() {
                return Some(job);
            }
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            self.capacity.notify_one();
            arrived.await;
        }
    }

    fn take(&self) -> Option<Arc<Claimed>> {
        let mut ready = self.ready();
        let job = ready.pop_front()?;
        self.busy.fetch_add(1, Ordering::AcqRel);
        if ready.len() <= self.low.load(Ordering::Relaxed) {
            self.capacity.notify_one();
        }
        Some(job)
    }

    /// A slot has ended its job.
    pub(crate) fn done(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
        if self.closed.load(Ordering::Relaxed) {
            self.capacity.notify_one();
        }
    }

    /// Jobs in slots.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// Jobs that wait for a slot.
    pub(crate) fn waiting(&self) -> usize {
        self.ready().len()
    }

    pub(crate) fn set_low(&self, low: usize) {
        self.low.store(low, Ordering::Relaxed);
    }

    /// Takes back what no slot has started.
    pub(crate) fn clear(&self) -> Vec<Arc<Claimed>> {
        self.ready().drain(..).collect()
    }

    /// Takes back those that no slot has started and `which` says.
    pub(crate) fn clear_where(&self, which: impl Fn(&Claimed) -> bool) -> Vec<Arc<Claimed>> {
        let mut ready = self.ready();
        let (gone, kept): (VecDeque<_>, VecDeque<_>) = ready.drain(..).partition(|job| which(job));
        *ready = kept;
        gone.into()
    }

    /// There will be no more jobs: slots end when they have nothing to do.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.current().arrived.notify_waiters();
    }

    /// From now on the slots of another generation get the jobs.
    pub(crate) fn next_generation(&self) -> Arc<Generation> {
        let next = Arc::new(Generation::default());
        let former = std::mem::replace(&mut *self.current(), Arc::clone(&next));
        former.retired.store(true, Ordering::Release);
        former.arrived.notify_waiters();
        next
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<Arc<Claimed>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> MutexGuard<'_, Arc<Generation>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
