//! Which place runs a process.

use std::{collections::BTreeMap, sync::Arc};

use crate::place::Place;

/// Processes that are named have their place; the others run on this machine's host, where there is one.
#[derive(Clone, Default)]
pub struct Routes {
    here: Option<Arc<dyn Place>>,
    named: BTreeMap<String, Arc<dyn Place>>,
}

impl Routes {
    /// Everything runs here; without a host, nothing has a place.
    #[must_use]
    pub fn new(here: Option<Arc<dyn Place>>) -> Self {
        Self { here, named: BTreeMap::new() }
    }

    /// These processes run there.
    #[must_use]
    pub fn with(mut self, processes: impl IntoIterator<Item = String>, place: &Arc<dyn Place>) -> Self {
        self.named.extend(processes.into_iter().map(|process| (process, Arc::clone(place))));
        self
    }

    /// Where a process runs; `None` for one that no place here runs.
    #[must_use]
    pub fn place_of(&self, process: &str) -> Option<&Arc<dyn Place>> {
        self.named.get(process).or(self.here.as_ref())
    }

    /// Whether no process has a place.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.here.is_none() && self.named.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::local::LocalHost;

    #[test]
    fn a_named_process_has_its_place_and_the_others_are_here_or_nowhere() {
        let place = |folder: &str| Arc::new(LocalHost::of(Path::new(folder))) as Arc<dyn Place>;
        let (here, there) = (place("here"), place("there"));
        let is = |routes: &Routes, process: &str, wanted: &Arc<dyn Place>| {
            routes.place_of(process).is_some_and(|place| Arc::ptr_eq(place, wanted))
        };
        let both = Routes::new(Some(Arc::clone(&here))).with(["worker".to_owned()], &there);
        assert!(is(&both, "worker", &there) && is(&both, "web", &here) && !both.is_empty());
        let away = Routes::new(None).with(["worker".to_owned()], &there);
        assert!(is(&away, "worker", &there) && away.place_of("web").is_none());
        assert!(Routes::default().is_empty());
    }
}
