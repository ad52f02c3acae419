//! Renews the lease and frees the jobs of those who no longer do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    RunnerConfig,
    lease::Lease,
    session::{Session, SessionError},
    sql,
};
use crate::error::chain;

pub(crate) struct Heartbeat {
    pub(crate) session: Session,
    pub(crate) lease: Arc<Lease>,
    pub(crate) owner: Uuid,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) config: RunnerConfig,
}

impl Heartbeat {
    /// Runs until it is aborted.
    pub(crate) async fn run(mut self) {
        let every = self.config.lease / 4;
        loop {
            let sent = Instant::now();
            let beat = sql::lease::renew(&mut self.session, self.owner, &self.kinds, &self.config).await;
            match beat {
                Ok(()) => {
                    self.lease.renew(sent);
                    if let Err(error) = self.look_after_others().await {
                        tracing::warn!(error = chain(&error), "the jobs of dead runners were not looked for");
                    }
                    tokio::time::sleep(every).await;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "the lease was not renewed");
                    tokio::time::sleep((every / 8).clamp(Duration::from_millis(50), Duration::from_secs(1)))
                        .await;
                }
            }
        }
    }

    async fn look_after_others(&mut self) -> Result<(), SessionError> {
        for job in sql::lease::rescue(&mut self.session).await? {
            if job.given_up {
                tracing::error!(job.id = %job.id, "job failed for good: three workers died while running it");
            } else {
                tracing::warn!(job.id = %job.id, "job rescued from a runner that is no longer heard of");
            }
        }
        sql::lease::forget(&mut self.session).await
    }
}
