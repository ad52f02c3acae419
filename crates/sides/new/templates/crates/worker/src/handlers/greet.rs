//! Stores a greeting.

use jobs::Greet;
use models::greetings;
use queue::{Context, JobError};

use crate::state::State;

pub(crate) async fn run(job: Greet, context: Context<State>) -> Result<(), JobError> {
    let mut connection = context.state.pool.get().await?;
    greetings::add(&mut connection, &job.name).await?;
    Ok(())
}
