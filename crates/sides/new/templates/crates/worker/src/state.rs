//! What handlers share.

use database::Pool;

/// Handed to every handler. Cheap to clone.
#[derive(Clone)]
pub(crate) struct State {
    /// Connections to the database.
    pub(crate) pool: Pool,
}
