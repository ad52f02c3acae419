//! How the parts of a runner stand, for whoever says whether the process is ready.

use std::sync::Arc;

/// What a runner cannot work without for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its lease is renewed: without it nothing is claimed, and what it holds goes to others.
    Lease,
    /// It hears of new jobs at once; without that it looks for them, later.
    Notifications,
}

/// Called with what is wrong with a part, or with nothing when it is well.
type Tell = dyn Fn(Part, Option<&str>) + Send + Sync;

/// Where the parts say how they stand.
#[derive(Clone, Default)]
pub(crate) struct Report(pub(crate) Option<Arc<Tell>>);

impl Report {
    pub(crate) fn tell(&self, part: Part, fault: Option<&str>) {
        if let Some(tell) = &self.0 {
            tell(part, fault);
        }
    }
}
