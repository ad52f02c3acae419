//! Whether a new clock fires later than the one before it: due moments against those at which they fired. What has not fired
//! at all is as late as it is by now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use database::Connection;
use diesel::QueryResult;
use schedule::Schedule;
use schema::{
    schedules::{Listed, listed},
    ticks::{self, Fired},
};

use super::{chance, count, ledger::Ledger, plan::Roll};
use crate::schedules;
use workspace::releases::Digest;

/// How much later than the old clock is felt, in seconds, and how many times as late.
const FELT: (f64, f64) = (2.0, 3.0);
/// What has not fired so many seconds after it was due is late.
const OVERDUE: i64 = 2;
/// Fewer late moments may be one hiccup of the machine.
const LEAST: usize = 3;
/// What is likelier than this may be chance: it is looked at each second.
const CHANCE: f64 = 1e-4;
/// How much of what the old clock fired is looked at.
const OLD: TimeDelta = TimeDelta::hours(1);
/// Within this a schedule must have been due a few times, and have fired each of them, to be missed when it does not fire.
const STEADY: TimeDelta = TimeDelta::minutes(10);
const STEADY_LEAST: usize = 3;
/// Nobody ticks so often that more than these are due.
const MOST: usize = 10_000;

/// A due moment, and how late it fired, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Late {
    due_at: DateTime<Utc>,
    seconds: f64,
}

/// Why the new clock is worse than the old one, if it is: most of what it fired was later than anything that chance explains.
fn blame(process: &str, old: &[Late], new: &[Late]) -> Option<String> {
    let limit = {
        let was = median(old)?;
        (was + FELT.0).max(was * FELT.1)
    };
    let count = |all: &[Late]| all.iter().filter(|one| one.seconds > limit).count() as u64;
    let moments: BTreeSet<DateTime<Utc>> =
        new.iter().filter(|one| one.seconds > limit).map(|one| one.due_at).collect();
    let (old_all, old_late, all, late) = (old.len() as u64, count(old), new.len() as u64, count(new));
    let is_worse =
        moments.len() >= LEAST && late * 2 > all && chance::of(old_all, old_late, all, late) < CHANCE;
    is_worse.then(|| {
        format!(
            "the new {process} fired {late} of {all} ticks more than {limit:.1} s late, half of all at least {:.1} s; the old \
             one {old_late} of {old_all}",
            median(new).unwrap_or_default()
        )
    })
}

fn median(all: &[Late]) -> Option<f64> {
    let mut seconds: Vec<f64> = all.iter().map(|one| one.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn late(tick: &Fired) -> Late {
    Late { due_at: tick.due_at, seconds: (tick.fired_at - tick.due_at).as_seconds_f64() }
}

/// How late new clocks fire since a watch began.
#[derive(Default)]
pub(super) struct Ticking(BTreeMap<String, Before>);

/// What is known of the old clock, and from when on the new one is judged.
struct Before {
    since: DateTime<Utc>,
    old: Vec<Late>,
    steady: Vec<Listed>,
}

impl Ticking {
    /// Why the new build of this process fires too late, as far as it can be seen now. Where it `is_alone`, what it has not
    /// fired counts, too.
    pub(super) async fn see(&mut self, roll: &Roll, is_alone: bool, ledger: &mut Ledger) -> Option<String> {
        let from = roll.from.as_ref()?;
        if !self.0.contains_key(&roll.process) {
            // A database that is away is somebody else's finding.
            let before = Before::read(from, ledger).await.ok()?;
            self.0.insert(roll.process.clone(), before);
        }
        let before = self.0.get(&roll.process).filter(|before| !before.old.is_empty())?;
        let release = roll.to.to_string();
        let since = before.since;
        let fired =
            ledger.look(async |connection| ticks::fired_by(connection, &release, since).await).await.ok()?;
        let mut new: Vec<Late> = fired.iter().map(late).collect();
        if is_alone {
            let steady = before.steady.as_slice();
            new.extend(ledger.look(async |connection| overdue(connection, steady, since).await).await.ok()?);
        }
        blame(&roll.process, &before.old, &new)
    }
}

impl Before {
    async fn read(from: &Digest, ledger: &mut Ledger) -> anyhow::Result<Self> {
        let name = from.to_string();
        let since = ledger.look(async |connection| count::now(connection).await).await?;
        let fired =
            ledger.look(async |connection| ticks::fired_by(connection, &name, since - OLD).await).await?;
        let old: Vec<Late> = fired.iter().map(late).collect();
        let steady = match old.is_empty() {
            true => Vec::new(),
            false => ledger.look(async |connection| steady(connection, since).await).await?,
        };
        Ok(Self { since, old, steady })
    }
}

/// The schedules that fired whenever they were due, until a moment before `since`.
async fn steady(connection: &mut Connection, since: DateTime<Utc>) -> QueryResult<Vec<Listed>> {
    let (begin, end) = (since - STEADY, since - TimeDelta::seconds(5));
    let fired = moments(&ticks::fired_between(connection, begin, end).await?);
    let is_steady = |row: &Listed| {
        let due = due(row, begin, end);
        let last = due.get(due.len().saturating_sub(STEADY_LEAST)..).unwrap_or_default();
        last.len() == STEADY_LEAST && last.iter().all(|at| fired.contains(&(row.name.clone(), *at)))
    };
    Ok(listed(connection, None).await?.into_iter().filter(|row| is_steady(row)).collect())
}

/// The moments of these schedules that are past for longer than anybody feels, and have not fired. One that was changed or
/// paused meanwhile is due at others.
async fn overdue(
    connection: &mut Connection,
    steady: &[Listed],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Late>> {
    let now = count::now(connection).await?;
    let end = now - TimeDelta::seconds(OVERDUE);
    let fired = moments(&ticks::fired_between(connection, since, now).await?);
    let missing = |row: &Listed| {
        let due = due(row, since, end).into_iter();
        due.filter(|at| !fired.contains(&(row.name.clone(), *at))).collect::<Vec<_>>()
    };
    let missed: Vec<(&Listed, Vec<DateTime<Utc>>)> = steady.iter().map(|row| (row, missing(row))).collect();
    if missed.iter().all(|(_, missing)| missing.is_empty()) {
        return Ok(Vec::new());
    }
    let rows = listed(connection, None).await?;
    let what = |row: &Listed| (row.name.clone(), row.expression.clone(), row.zone.clone(), row.paused_at);
    let is_same = |row: &Listed| rows.iter().any(|other| what(other) == what(row));
    let missed = missed.into_iter().filter(|(row, _)| is_same(row)).flat_map(|(_, missing)| missing);
    Ok(missed.map(|due_at| Late { due_at, seconds: (now - due_at).as_seconds_f64() }).collect())
}

/// When a schedule that can be read and is not paused was due.
fn due(row: &Listed, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let Some(schedule) = schedules::read(row).ok().filter(|_| row.paused_at.is_none()) else {
        return Vec::new();
    };
    let upcoming = |schedule: &Schedule| -> Vec<DateTime<Utc>> {
        let due = schedule.upcoming(after).take_while(|at| *at <= until);
        due.map(|at| at.trunc_subsecs(6)).take(MOST).collect()
    };
    upcoming(&schedule)
}

fn moments(fired: &[Fired]) -> BTreeSet<(String, DateTime<Utc>)> {
    fired.iter().map(|tick| (tick.schedule.clone(), tick.due_at.trunc_subsecs(6))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many ticks, one each second, each so late.
    fn ticks(count: i64, seconds: impl Fn(i64) -> f64) -> Vec<Late> {
        let at = |second: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        (0..count).map(|second| Late { due_at: at(second), seconds: seconds(second) }).collect()
    }

    #[test]
    fn a_clock_that_is_always_late_is_told_from_one_that_was_late_for_a_moment() {
        let old = ticks(600, |second| 0.01 + 0.001 * (second % 50) as f64);
        let blamed = blame("clock", &old, &ticks(5, |_| 3.0)).unwrap();
        let expected = "the new clock fired 5 of 5 ticks more than 2.0 s late, half of all at least 3.0 s; the old one 0 of 600";
        assert_eq!(blamed, expected);
        assert_eq!(blame("clock", &old, &ticks(600, |_| 0.4)), None, "nobody feels it");
        let hiccup = |second| if second < 8 { 8.0 - second as f64 } else { 0.02 };
        assert_eq!(blame("clock", &old, &ticks(40, hiccup)), None, "the machine stood still for once");
        assert_eq!(blame("clock", &old, &ticks(2, |_| 9.0)), None, "too few to say");
        let same = vec![Late { due_at: DateTime::UNIX_EPOCH, seconds: 9.0 }; 6];
        assert_eq!(blame("clock", &old, &same), None, "several schedules at one moment are one moment");
    }

    #[test]
    fn a_clock_is_held_to_the_one_before_it() {
        let late = ticks(600, |second| if second % 2 == 0 { 9.0 } else { 0.1 });
        assert_eq!(blame("clock", &late, &ticks(60, |second| if second % 2 == 0 { 0.1 } else { 9.0 })), None);
        assert_eq!(blame("clock", &ticks(600, |_| 5.0), &ticks(60, |_| 6.0)), None, "it always was late");
        assert!(blame("clock", &ticks(600, |_| 5.0), &ticks(60, |_| 30.0)).is_some());
        assert_eq!(blame("clock", &[], &ticks(60, |_| 30.0)), None, "nobody knows how it was before");
        assert_eq!(
            blame("clock", &ticks(3, |_| 0.1), &ticks(3, |_| 30.0)),
            None,
            "three of three may be chance"
        );
        assert!(blame("clock", &ticks(30, |_| 0.1), &ticks(10, |_| 30.0)).is_some());
    }
}
