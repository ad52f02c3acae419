//! What happened to the ticks: due ones compared with fired ones.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use chrono::{DateTime, SubsecRound as _, Utc};
use database::Connection;
use diesel::QueryResult;
use schedule::{Missed, Schedule};
use serde::{Deserialize, Serialize};
use tokio::time;

use schema::{
    jobs,
    schedules::Listed,
    ticks::{self, Fired},
};

use crate::schedules;

/// What happened to the ticks during a release. Schedules that were changed or paused meanwhile are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ticks {
    /// Moments at which a schedule was due.
    pub due: u64,
    /// Of those, the ones that fired.
    pub fired: u64,
    /// Of those, the ones that did not.
    pub missed: u64,
    /// Fired at a moment that was not due, or enqueued by a clock without a tick: one time too many.
    pub doubled: u64,
    /// How late the latest of them was, in seconds.
    pub latest_seconds: Option<f64>,
}

/// The schedules as they stood when the release began.
#[derive(Default)]
pub(super) struct Schedules(Vec<Listed>);

/// A schedule and a moment, as exact as Postgres keeps it.
type Moment = (String, DateTime<Utc>);

const BETWEEN: Duration = Duration::from_millis(200);
/// Nobody ticks so often that more than these are due.
const MOST: usize = 100_000;

impl Schedules {
    /// None, where there is no schema yet.
    pub(super) async fn read(connection: &mut Connection) -> Self {
        Self(schedules::all(connection).await.unwrap_or_default())
    }

    /// What was due later than `since` and up to `until`. A tick that is not there yet is only late for a while.
    pub(super) async fn count(
        &self,
        connection: &mut Connection,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> QueryResult<Ticks> {
        let now = Self::read(connection).await;
        let schedules: Vec<Schedule> = self.0.iter().filter_map(|row| unchanged(row, &now.0)).collect();
        let due: BTreeSet<Moment> = schedules
            .iter()
            .flat_map(|one| one.upcoming(since).take_while(|at| *at <= until).map(|at| moment(&one.name, at)))
            .take(MOST)
            .collect();
        let deadline = Instant::now() + Missed::LATE;
        loop {
            let fired = ticks::fired_between(connection, since, until).await?;
            let mut counted = compare(&schedules, &due, &fired);
            if counted.missed == 0 || Instant::now() > deadline {
                counted.doubled += jobs::count::without_tick(connection, since).await?;
                return Ok(counted);
            }
            time::sleep(BETWEEN).await;
        }
    }
}

/// The schedule, when it was due at the same moments all the time.
fn unchanged(before: &Listed, now: &[Listed]) -> Option<Schedule> {
    let is_same = |row: &Listed| {
        let what = |row: &Listed| (row.name.clone(), row.expression.clone(), row.zone.clone());
        what(row) == what(before) && row.paused_at.is_none() && before.paused_at.is_none()
    };
    now.iter().any(is_same).then(|| schedules::read(before).ok()).flatten()
}

fn moment(schedule: &str, at: DateTime<Utc>) -> Moment {
    (schedule.to_owned(), at.trunc_subsecs(6))
}

fn compare(schedules: &[Schedule], due: &BTreeSet<Moment>, fired: &[Fired]) -> Ticks {
    let known = |tick: &&Fired| schedules.iter().any(|one| one.name == tick.schedule);
    let (mut hit, mut doubled, mut latest) = (0, 0, None);
    for tick in fired.iter().filter(known) {
        if due.contains(&moment(&tick.schedule, tick.due_at)) {
            hit += 1;
            let late = (tick.fired_at - tick.due_at).as_seconds_f64();
            latest = Some(latest.map_or(late, |latest: f64| latest.max(late)));
        } else {
            doubled += 1;
        }
    }
    let due = due.len() as u64;
    Ticks { due, fired: hit, missed: due.saturating_sub(hit), doubled, latest_seconds: latest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-25T12:00:{text}Z").parse().unwrap()
    }

    #[test]
    fn what_was_due_and_did_not_fire_is_missed_and_what_was_not_due_is_doubled() {
        let schedules = [Schedule::new("a", "every 1 s", "work").unwrap()];
        let due = ["01", "02", "03"].map(|second| moment("a", at(second))).into();
        let tick = |schedule: &str, due_at: &str, fired_at: &str| Fired {
            schedule: schedule.to_owned(),
            due_at: at(due_at),
            fired_at: at(fired_at),
        };
        let fired = [
            tick("a", "01", "01.5"),
            tick("a", "03", "03.25"),
            tick("a", "03.1", "03.25"),
            tick("b", "02", "02"),
        ];
        let ticks = compare(&schedules, &due, &fired);
        let expected = Ticks { due: 3, fired: 2, missed: 1, doubled: 1, latest_seconds: Some(0.5) };
        assert_eq!(ticks, expected);
    }
}
