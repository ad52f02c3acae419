//! The look through everything, beside the claims: for jobs that no notification named.
//!
//! A row that somebody locked, a job that was given back, one whose pause is over, a notification that was lost: claims have
//! passed their place. This walks all that they need not, over a session of its own and without a lock, so that nobody waits
//! for it; and the longer it takes the less often.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use super::{
    late::{Late, Swept},
    position::Cursor,
    session::{Session, SessionError},
    sql::{claim, control::Rules},
};
use crate::error::chain;

/// While jobs come and go everything is looked at so often, unless that takes long.
const EVERY: Duration = Duration::from_millis(250);
/// Who asks for it again and again has it no more often than this.
const AT_MOST_EVERY: Duration = Duration::from_millis(20);
/// So many are told at a time. More are found by going on from the first.
const FIRST: i64 = 100;

pub(crate) struct Sweep {
    pub(crate) session: Session,
    pub(crate) late: Arc<Late>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) kinds: Vec<&'static str>,
    /// How often to look while nothing happens.
    pub(crate) poll: Duration,
    /// What was paused or limited may have become free.
    pub(crate) rules: watch::Receiver<Rules>,
}

impl Sweep {
    /// Runs until it is aborted.
    pub(crate) async fn run(mut self) {
        let mut known = BTreeSet::new();
        loop {
            let (began, claims) = (Instant::now(), self.late.claims());
            match self.look(&mut known).await {
                Ok(()) => self.late.swept(Swept { ended: Instant::now(), took: began.elapsed() }),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "jobs that appeared late were not looked for");
                }
            }
            let last = Swept { ended: Instant::now(), took: began.elapsed() };
            tokio::select! {
                () = self.late.sweep.notified() => {}
                Ok(()) = self.rules.changed() => {}
                () = tokio::time::sleep_until(last.next(self.poll).into()) => {}
                () = busy(&self.late, claims, last) => {}
            }
            tokio::time::sleep_until(last.next(AT_MOST_EVERY).into()).await;
        }
    }

    async fn look(&mut self, known: &mut BTreeSet<i16>) -> Result<(), SessionError> {
        loop {
            let more = claim::priorities(&mut self.session, &Cursor::of(known).parts()).await?;
            if more.is_empty() {
                break;
            }
            known.extend(more);
        }
        let parts = Cursor::of(known).parts();
        let first = claim::first(&mut self.session, &self.kinds, FIRST, &parts).await?;
        self.late.priorities(known.iter().copied());
        if !first.is_empty() {
            self.late.due(first.into_iter().map(|(_, at)| at));
            self.wake.notify_one();
        }
        Ok(())
    }
}

/// Ends when jobs were claimed since, and the next look is due.
async fn busy(late: &Late, claims: u64, last: Swept) {
    tokio::time::sleep_until(last.next(EVERY).into()).await;
    while late.claims() == claims {
        tokio::time::sleep(EVERY).await;
    }
}
