//! One tick: its row and its job, together or not at all.

use database::Connection;
use diesel::ExpressionMethods as _;
use diesel_async::{AsyncConnection as _, RunQueryDsl as _};
use queue::{EnqueueError, JobId, Options};
use schedule::Overlap;
use uuid::Uuid;

use crate::{schema::ticks, timeline::Due};

/// Who fires: shown with the tick and the job.
#[derive(Debug, Clone)]
pub(crate) struct Firer {
    pub(crate) instance: Uuid,
    pub(crate) release: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FireError {
    #[error("the tick cannot be written")]
    Database(#[from] diesel::result::Error),
    /// The queue does not take the job, today or tomorrow.
    #[error("the queue refuses the job")]
    Refused(#[source] EnqueueError),
}

impl From<EnqueueError> for FireError {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Database(error) => Self::Database(error),
            refused => Self::Refused(refused),
        }
    }
}

/// Fires a tick unless another clock has: then the answer is `None`.
///
/// The tick's primary key decides. A clock that comes second waits until the first one commits, and finds the
/// row; if the first one dies, its row was never there.
pub(crate) async fn fire(
    connection: &mut Connection,
    due: &Due,
    firer: &Firer,
) -> Result<Option<JobId>, FireError> {
    let schedule = due.schedule.as_ref();
    let options = Options {
        unique_key: (schedule.overlap == Overlap::Merge).then(|| format!("schedule:{}", schedule.name)),
        enqueued_by: Some(format!("clock {}", firer.release)),
        ..Options::default()
    };
    connection
        .transaction(async |transaction| {
            let key = (ticks::schedule.eq(&schedule.name), ticks::due_at.eq(due.at));
            let mine = diesel::insert_into(ticks::table)
                .values((key, ticks::fired_by.eq(firer.instance)))
                .on_conflict_do_nothing()
                .execute(transaction)
                .await?;
            if mine == 0 {
                return Ok(None);
            }
            let arguments = schedule.arguments.clone();
            let job = queue::enqueue_named(transaction, &schedule.kind, arguments, &options).await?;
            diesel::update(ticks::table)
                .filter(ticks::schedule.eq(&schedule.name))
                .filter(ticks::due_at.eq(due.at))
                .set(ticks::job_id.eq(job.0))
                .execute(transaction)
                .await?;
            Ok(Some(job))
        })
        .await
}
