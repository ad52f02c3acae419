//! Renews the lease and frees the jobs of those who no longer do.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc::UnboundedSender, watch};
use uuid::Uuid;

use super::{
    RunnerConfig,
    lease::Lease,
    presence::Presence,
    report::{Part, Report},
    rescues::Rescues,
    session::{Session, SessionError},
    sql::{self, control::Rules},
    watch::Watch,
};
use crate::error::chain;

pub(crate) struct Heartbeat {
    pub(crate) session: Session,
    pub(crate) lease: Arc<Lease>,
    pub(crate) owner: Uuid,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) config: RunnerConfig,
    /// Somebody paused, limited or cancelled something.
    pub(crate) control: Arc<Notify>,
    /// Where the jobs go that somebody cancelled.
    pub(crate) cancelled: UnboundedSender<(Uuid, String)>,
    pub(crate) rules: watch::Sender<Rules>,
    pub(crate) report: Report,
    /// The lock by which others see that this runner lives.
    pub(crate) presence: Arc<Presence>,
    /// What this runner sees of the others.
    pub(crate) watch: Watch,
    /// When jobs of the dead were looked for.
    pub(crate) rescues: Rescues,
    /// How often this runner was taken for dead, as far as it knows.
    pub(crate) presumed_dead: i32,
}

/// Partitions are made days ahead.
const PARTITIONS_EVERY: Duration = Duration::from_secs(3600);
/// Dropping one waits for its readers, and who acknowledges waits meanwhile: not again at once.
const PARTITIONS_AGAIN: Duration = Duration::from_secs(20);

impl Heartbeat {
    /// Runs until it is aborted.
    pub(crate) async fn run(mut self) {
        let every = self.config.lease / 4;
        let mut partitions_at = Instant::now();
        loop {
            // Before the first claim: a new partition holds up acknowledgements for a moment.
            if Instant::now() >= partitions_at {
                let kept = sql::lease::keep_history(&mut self.session, self.config.history).await;
                let again = if kept.is_ok() { PARTITIONS_EVERY } else { PARTITIONS_AGAIN };
                partitions_at = Instant::now() + again;
                match kept {
                    Ok(0) => {}
                    Ok(partitions) => tracing::info!(partitions, "old history dropped"),
                    Err(error) => {
                        tracing::warn!(
                            error = chain(&error),
                            "the history's old days were not dropped, nor room made for the coming ones"
                        );
                    }
                }
            }
            let sent = Instant::now();
            let beat = sql::lease::renew(&mut self.session, self.owner, &self.kinds, &self.config).await;
            match beat {
                Ok(presumed_dead) => {
                    self.find_out(presumed_dead);
                    self.lease.renew(sent);
                    self.report.tell(Part::Lease, None);
                    if let Err(error) = self.look_after_others().await {
                        tracing::warn!(error = chain(&error), "the jobs of dead runners were not looked for");
                    }
                    self.obey_until(Instant::now() + every).await;
                }
                Err(error) => {
                    let fault = chain(&error);
                    self.report.tell(Part::Lease, Some(&fault));
                    tracing::warn!(error = fault, "the lease was not renewed");
                    let pause = (every / 8).clamp(Duration::from_millis(50), Duration::from_secs(1));
                    tokio::select! {
                        () = self.presence.changed.notified() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// Others may have the jobs of who was taken for dead.
    fn find_out(&mut self, presumed_dead: i32) {
        if presumed_dead > self.presumed_dead {
            tracing::warn!(
                "the lease was lost: all connections had been gone for too long; what runs is stopped"
            );
            self.lease.forfeit(Instant::now());
        }
        self.presumed_dead = presumed_dead;
    }

    /// Does what people want, now and whenever they say so, and looks whether the others live, until the next beat.
    async fn obey_until(&mut self, next: Instant) {
        self.obey().await;
        loop {
            tokio::select! {
                () = self.control.notified() => {
                    self.obey().await;
                    // A host that saw a process end has ended its lease.
                    if let Err(error) = self.rescue().await {
                        tracing::warn!(error = chain(&error), "the jobs of dead runners were not looked for");
                    }
                }
                () = self.presence.changed.notified() => return,
                () = tokio::time::sleep_until(self.watch.next().min(next).into()) => {
                    if Instant::now() >= next {
                        return;
                    }
                    self.watch_others().await;
                }
            }
        }
    }

    /// Those whose session has ended lose their lease, and then their jobs.
    async fn watch_others(&mut self) {
        let dead = match sql::presence::look(&mut self.session).await {
            Ok(seen) => self.watch.note(Instant::now(), &seen, rand::random()),
            Err(error) => {
                self.watch.failed(Instant::now());
                return tracing::debug!(
                    error = chain(&error),
                    "the sessions of other runners were not looked at"
                );
            }
        };
        if dead.is_empty() {
            return;
        }
        let freed = async {
            let dead = sql::presence::expire(&mut self.session, &dead).await?;
            for (runner, release) in &dead {
                tracing::warn!(%runner, release, "a runner is gone: its session has ended");
            }
            if dead.is_empty() { Ok(()) } else { self.rescue().await }
        };
        if let Err(error) = freed.await {
            tracing::warn!(error = chain(&error), "the jobs of dead runners were not freed");
        }
    }

    async fn obey(&mut self) {
        if let Err(error) = self.hear().await {
            tracing::warn!(error = chain(&error), "what is paused or cancelled could not be read");
        }
    }

    async fn hear(&mut self) -> Result<(), SessionError> {
        for job in sql::control::cancelled(&mut self.session, self.owner).await? {
            // Nobody listens any more when the runner has just ended.
            self.cancelled.send(job).ok();
        }
        let rules = sql::control::rules(&mut self.session).await?;
        self.rules.send_if_modified(|known| {
            let is_new = *known != rules;
            *known = rules;
            is_new
        });
        Ok(())
    }

    async fn look_after_others(&mut self) -> Result<(), SessionError> {
        self.rescue().await?;
        sql::lease::forget(&mut self.session).await
    }

    async fn rescue(&mut self) -> Result<(), SessionError> {
        let over = sql::lease::over(&mut self.session).await?;
        let began = Instant::now();
        if !self.rescues.is_due(began, &over) {
            return Ok(());
        }
        let rescued = sql::lease::rescue(&mut self.session).await?;
        self.rescues.looked(Instant::now(), began.elapsed(), self.config.lease, over);
        for job in rescued {
            if job.given_up {
                tracing::error!(job.id = %job.id, "job failed for good: three workers died while running it");
            } else {
                tracing::warn!(job.id = %job.id, "job rescued from a runner that is no longer heard of");
            }
        }
        Ok(())
    }
}
