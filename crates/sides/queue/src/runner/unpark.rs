//! A build that can read what another could not takes it up.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    session::{Session, SessionError},
    sql::control::{self, Parked},
    worker_pool::PoolContext,
};
use crate::{Registry, error::chain};

/// Looks once through the parked jobs of its kinds, and releases those that it can read.
pub(crate) async fn unpark<S: Clone + Send + Sync + 'static>(
    mut session: Session,
    place: Arc<PoolContext<S>>,
    wake: Arc<Notify>,
) {
    while let Err(error) = look(&mut session, &place.registry, &wake).await {
        tracing::warn!(error = chain(&error), "parked jobs were not looked at; trying again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(session);
    // A task that ends by itself would look like one that failed.
    std::future::pending::<()>().await;
}

async fn look<S: Clone + Send + Sync + 'static>(
    session: &mut Session,
    registry: &Registry<S>,
    wake: &Notify,
) -> Result<(), SessionError> {
    let kinds = registry.kinds();
    let mut after = Uuid::nil();
    loop {
        let parked = control::parked(session, &kinds, after).await?;
        let Some(last) = parked.last() else { return Ok(()) };
        after = last.id;
        let readable: Vec<Uuid> =
            parked.iter().filter(|job| can_read(registry, job)).map(|job| job.id).collect();
        if !readable.is_empty() {
            let jobs = control::unpark(session, &readable).await?;
            tracing::info!(jobs, "parked jobs released: this build can read them");
            wake.notify_one();
        }
    }
}

fn can_read<S: Clone + Send + Sync + 'static>(registry: &Registry<S>, job: &Parked) -> bool {
    let Some(entry) = registry.entry(&job.kind) else { return false };
    let version = u16::try_from(job.version).unwrap_or(1);
    std::panic::catch_unwind(AssertUnwindSafe(|| {
        serde_json::from_str(&job.metadata).is_ok_and(|metadata| (entry.reads)(metadata, version))
    }))
    .unwrap_or(false)
}
