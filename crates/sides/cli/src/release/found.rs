//! The state of a release, as it was found.

use workspace::releases::{State, Status};

/// What was found.
pub(super) struct Found {
    pub(super) status: Status,
    pub(super) state: State,
    /// Whether a release that was interrupted waits to be taken up.
    pub(super) is_left: bool,
}
