//! Removes dead rows while jobs come and go.
//!
//! Each job leaves two dead rows, and autovacuum comes once a minute: at thousands of jobs a second that is gigabytes. So
//! runners that end many jobs vacuum the table of jobs themselves, if the database user may: whoever comes first, as the
//! others skip a table that is being vacuumed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    outcomes::Outcomes,
    session::{Session, SessionError},
    sql::vacuum::{self, Table},
};
use crate::error::chain;

/// How often to look at most.
const EVERY: Duration = Duration::from_secs(1);
/// Fewer jobs than this are not worth a look.
const LEAST_JOBS: u64 = 5_000;
/// Dead rows that are worth a vacuum: so many, and one for so many living ones, as it passes those too.
const LEAST_DEAD: i64 = 20_000;
const LIVE_FOR_ONE_DEAD: i64 = 20;
/// A vacuum that takes long is worth waiting for this many times as long.
const SHARE: u32 = 10;
/// While somebody's snapshot needs what is dead, a vacuum removes nothing: it is tried so often at least.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Whoever may not vacuum asks again.
const RIGHTS_EVERY: Duration = Duration::from_secs(3600);

pub(crate) struct Vacuum {
    pub(crate) session: Session,
    pub(crate) outcomes: Arc<Outcomes>,
}

impl Vacuum {
    /// Runs until it is aborted.
    pub(crate) async fn run(mut self) {
        let mut turn = Turn::default();
        let mut ended = self.outcomes.ended();
        let mut wait = EVERY;
        loop {
            tokio::time::sleep(wait).await;
            wait = EVERY;
            if self.outcomes.ended() - ended < LEAST_JOBS {
                continue;
            }
            ended = self.outcomes.ended();
            match self.look(&mut turn).await {
                Ok(pause) => wait = pause,
                Err(error) => {
                    tracing::debug!(error = chain(&error), "dead rows of jobs were not removed");
                    wait = LONGEST_PAUSE;
                }
            }
        }
    }

    /// Vacuums if that is worth it. Returns how long to wait before the next look.
    async fn look(&mut self, turn: &mut Turn) -> Result<Duration, SessionError> {
        let Some(before) = vacuum::table(&mut self.session).await? else { return Ok(RIGHTS_EVERY) };
        if !turn.is_worth_it(&before) {
            return Ok(EVERY);
        }
        let began = Instant::now();
        vacuum::vacuum(&mut self.session, before.needs_own_rights).await?;
        let took = began.elapsed();
        let after = vacuum::table(&mut self.session).await?.map_or(0, |after| after.dead);
        Ok(turn.ended(before.dead, after, took))
    }
}

/// When it is worth it.
#[derive(Debug, Default)]
struct Turn {
    /// Dead rows that the last vacuum had to leave.
    left: i64,
    pause: Duration,
}

impl Turn {
    fn is_worth_it(&self, table: &Table) -> bool {
        // Somebody else's vacuum may have removed what the last one had left.
        table.dead - self.left.min(table.dead) > LEAST_DEAD + table.live / LIVE_FOR_ONE_DEAD
    }

    /// Returns how long to wait before the next look.
    fn ended(&mut self, before: i64, after: i64, took: Duration) -> Duration {
        let removed = before - after;
        self.left = after;
        self.pause = if removed < before / 2 { (self.pause * 2).clamp(EVERY, LONGEST_PAUSE) } else { EVERY };
        self.pause.max(took * SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(dead: i64, live: i64) -> Table {
        Table { dead, live, needs_own_rights: false }
    }

    #[test]
    fn the_more_live_the_more_must_be_dead() {
        let turn = Turn::default();
        assert!(!turn.is_worth_it(&table(20_000, 0)) && turn.is_worth_it(&table(20_001, 0)));
        assert!(
            !turn.is_worth_it(&table(500_000, 10_000_000)) && turn.is_worth_it(&table(600_000, 10_000_000))
        );
    }

    #[test]
    fn what_a_snapshot_needs_is_tried_less_and_less_often() {
        let mut turn = Turn::default();
        let short = Duration::from_millis(10);
        assert_eq!(turn.ended(30_000, 100, short), EVERY);
        let mut pauses = Vec::new();
        for round in 1..10 {
            pauses.push(turn.ended(round * 50_000, round * 49_000, short).as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60, 60]);
        // Only what is newly dead counts, until somebody has removed the rest.
        assert!(!turn.is_worth_it(&table(450_000, 0)) && turn.is_worth_it(&table(470_000, 0)));
        assert!(!turn.is_worth_it(&table(15_000, 0)));
        assert_eq!(turn.ended(470_000, 0, short), EVERY);
        assert_eq!(turn.ended(470_000, 0, Duration::from_secs(3)), Duration::from_secs(30));
    }
}
