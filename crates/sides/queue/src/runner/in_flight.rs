//! The jobs in flight: claimed by this runner, their outcome not written yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

/// Ids with their fencing tokens.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Uuid, i32>>);

impl InFlight {
    pub(crate) fn add(&self, jobs: impl Iterator<Item = (Uuid, i32)>) {
        self.lock().extend(jobs);
    }

    /// A job that was given back and claimed again meanwhile is another one: the token tells.
    pub(crate) fn remove(&self, jobs: impl Iterator<Item = (Uuid, i32)>) {
        let mut in_flight = self.lock();
        for (id, lease) in jobs {
            if in_flight.get(&id) == Some(&lease) {
                in_flight.remove(&id);
            }
        }
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.lock().keys().copied().collect()
    }

    pub(crate) fn has(&self, id: Uuid) -> bool {
        self.lock().contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
