//! Works jobs of the kind `{{name}}`.

use jobs::{{type}};
use queue::{Context, JobError};

use crate::state::State;

/// Runs one attempt. An error is tried again, later and later.
pub(crate) async fn run(_: {{type}}, _: Context<State>) -> Result<(), JobError> {
    Ok(())
}
