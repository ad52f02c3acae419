//! What happened to the ticks: due ones compared with fired ones.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// Of those, the ones that did not, and that no later one stands for.
    pub missed: u64,
    /// Of those, the ones that did not because of several only the last counts, and a later one fired.
    pub skipped: u64,
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
            // Those that fired since then, too: one of them may stand for several.
            let now = super::now(connection).await?;
            let fired = ticks::fired_between(connection, since, now.max(until)).await?;
            let mut counted = compare(&schedules, &due, &fired, until);
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

fn compare(schedules: &[Schedule], due: &BTreeSet<Moment>, fired: &[Fired], until: DateTime<Utc>) -> Ticks {
    let known = |tick: &&Fired| tick.due_at <= until && schedules.iter().any(|one| one.name == tick.schedule);
    let (mut hit, mut doubled, mut latest) = (BTreeSet::new(), 0, None);
    for tick in fired.iter().filter(known) {
        let moment = moment(&tick.schedule, tick.due_at);
        if due.contains(&moment) {
            hit.insert(moment);
            let late = (tick.fired_at - tick.due_at).as_seconds_f64();
            latest = Some(latest.map_or(late, |latest: f64| latest.max(late)));
        } else {
            doubled += 1;
        }
    }
    let last = last_of_several(schedules, fired);
    let is_skipped = |(name, at): &&Moment| last.get(name.as_str()).is_some_and(|last| at < last);
    let (skipped, missed): (Vec<_>, Vec<_>) = due.difference(&hit).partition(is_skipped);
    Ticks {
        due: due.len() as u64,
        fired: hit.len() as u64,
        missed: missed.len() as u64,
        skipped: skipped.len() as u64,
        doubled,
        latest_seconds: latest,
    }
}

/// The last moment that fired of each schedule of whose moments only the last counts, when several are due at once.
fn last_of_several<'a>(schedules: &'a [Schedule], fired: &[Fired]) -> BTreeMap<&'a str, DateTime<Utc>> {
    let latest = schedules.iter().filter(|one| one.missed == Missed::Latest);
    let last = |one: &'a Schedule| {
        let own = fired.iter().filter(|tick| tick.schedule == one.name);
        Some((one.name.as_str(), own.map(|tick| tick.due_at).max()?))
    };
    latest.filter_map(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-25T12:00:{text}Z").parse().unwrap()
    }

    fn tick(schedule: &str, due_at: &str, fired_at: &str) -> Fired {
        Fired { schedule: schedule.to_owned(), due_at: at(due_at), fired_at: at(fired_at) }
    }

    fn every_second(name: &str, missed: Missed) -> Schedule {
        let mut schedule = Schedule::new(name, "every 1 s", "work").unwrap();
        schedule.missed = missed;
        schedule
    }

    #[test]
    fn what_was_due_and_did_not_fire_is_missed_and_what_was_not_due_is_doubled() {
        let schedules = [every_second("a", Missed::Skip)];
        let due = ["01", "02", "03"].map(|second| moment("a", at(second))).into();
        let fired = [
            tick("a", "01", "01.5"),
            tick("a", "03", "03.25"),
            tick("a", "03.1", "03.25"),
            tick("b", "02", "02"),
        ];
        let ticks = compare(&schedules, &due, &fired, at("04"));
        let expected =
            Ticks { due: 3, fired: 2, missed: 1, skipped: 0, doubled: 1, latest_seconds: Some(0.5) };
        assert_eq!(ticks, expected);
    }

    #[test]
    fn where_only_the_last_of_several_counts_those_before_it_are_skipped_if_it_fired() {
        let of = |missed, fired: &[Fired]| {
            let due = ["01", "02", "03", "04"].map(|second| moment("a", at(second))).into();
            let ticks = compare(&[every_second("a", missed)], &due, fired, at("04.5"));
            (ticks.fired, ticks.skipped, ticks.missed, ticks.doubled)
        };
        let late = [tick("a", "01", "01"), tick("a", "03", "03.8")];
        assert_eq!(of(Missed::Latest, &late), (2, 1, 1, 0), "nothing stands for the last one");
        assert_eq!(of(Missed::Skip, &late), (2, 0, 2, 0));
        assert_eq!(of(Missed::AllWithin(Missed::WIDEST), &late), (2, 0, 2, 0), "each of them counts");
        let later = [tick("a", "01", "01"), tick("a", "05", "05.1")];
        assert_eq!(of(Missed::Latest, &later), (1, 3, 0, 0), "one that was due afterwards stands for them");
        assert_eq!(of(Missed::Latest, &[]), (0, 0, 4, 0), "none of them fired");
    }
}
