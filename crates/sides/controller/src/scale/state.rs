//! What only a row of rounds shows.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// What only a row of rounds shows, by process.
#[derive(Default)]
pub(crate) struct ScaleState {
    /// Since when one instance fewer would do.
    pub(super) calm: HashMap<String, Instant>,
    /// A number that somebody else has set, as seen in the last round.
    pub(super) external: HashMap<String, u32>,
    /// Until when a place wants no change of a process, and why.
    pub(super) early: HashMap<String, (Instant, String)>,
}

impl ScaleState {
    /// For how long one instance fewer would have done.
    pub(super) fn calm_for(&mut self, process: &str, is_calm: bool) -> Duration {
        if is_calm {
            self.calm.entry(process.to_owned()).or_insert_with(Instant::now).elapsed()
        } else {
            self.calm.remove(process);
            Duration::ZERO
        }
    }

    /// Why the place of a process wants no change of it yet.
    pub(super) fn too_early(&self, process: &str) -> Option<String> {
        let (until, why) = self.early.get(process)?;
        (Instant::now() < *until).then(|| why.clone())
    }
}
