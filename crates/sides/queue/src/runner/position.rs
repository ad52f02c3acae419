//! Where a claim looks.
//!
//! An index that is walked from its start leads over everything that was taken or deleted since the last vacuum, and under a
//! snapshot that stops vacuum that is more with every job. So a claim goes on where the last one ended, in each priority by
//! itself: there it finds what came since, however much has passed. What is behind that place is looked for by name: jobs
//! of transactions that committed late say when they were due ([`super::late`]), and a look through everything finds the
//! rest now and then ([`super::sweep`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::late::Heard;

/// What is late by no more than this is walked to rather than looked up.
const NEAR: TimeDelta = TimeDelta::milliseconds(100);
/// So many moments of one priority are looked up in a claim; more are walked through from the first one on.
const MOST_POINTS: usize = 16;
/// Where there are more priorities, each claim looks through everything.
const MOST_LEVELS: usize = 64;

/// Where a job stands in the order of claims: its priority, when it is due, and its id, since jobs of one statement are
/// due at one moment.
pub(crate) type Position = (i16, DateTime<Utc>, Uuid);

/// A part of the order that a claim looks through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All jobs of these priorities, both included.
    Priorities(i32, i32),
    /// Jobs of one priority from a place on, that included.
    Onward(i16, DateTime<Utc>, Uuid),
    /// Jobs of one priority that are due at exactly this moment.
    At(i16, DateTime<Utc>),
}

type Place = (DateTime<Utc>, Uuid);

/// What is known of one priority.
#[derive(Debug, Default)]
struct Level {
    /// Where the next claim begins; `None` is the beginning.
    floor: Option<Place>,
    /// The furthest place that a claim has come to.
    reached: Option<Place>,
    /// Moments before it at which jobs were committed since.
    points: BTreeSet<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(crate) struct Cursor {
    levels: BTreeMap<i16, Level>,
    /// Before the next claim was sent, jobs that were due until here had been heard of, or would be as late ones.
    heard_until: Option<DateTime<Utc>>,
}

impl Cursor {
    /// At the beginning of each of these priorities.
    pub(crate) fn of(priorities: &BTreeSet<i16>) -> Self {
        let mut cursor = Self::default();
        cursor.levels.extend(priorities.iter().map(|priority| (*priority, Level::default())));
        cursor.forget();
        cursor
    }

    /// In each priority at such a place.
    pub(crate) fn at(places: impl IntoIterator<Item = Position>) -> Self {
        let mut cursor = Self::default();
        for (priority, due, id) in places {
            let place = Some((due, id));
            cursor.levels.insert(priority, Level { floor: place, reached: place, ..Level::default() });
        }
        cursor.forget();
        cursor
    }

    /// Where the next claim begins in each priority that is known, unless that is the beginning.
    pub(crate) fn places(&self) -> Vec<Position> {
        let place = |(priority, level): (&i16, &Level)| level.floor.map(|(due, id)| (*priority, due, id));
        self.levels.iter().filter_map(place).collect()
    }

    /// Takes note of what was heard since the last claim.
    pub(crate) fn hear(&mut self, heard: Heard) {
        for priority in heard.priorities {
            self.levels.entry(priority).or_default();
        }
        for level in self.levels.values_mut() {
            let Some((at, _)) = level.floor else { continue };
            level.points.extend(heard.due.range(..=at));
            level.settle();
        }
        self.forget();
        self.heard_until = self.heard_until.max(heard.until);
    }

    /// What the next claim looks through, in order. Together that is everything but what was looked at before.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::with_capacity(2 * self.levels.len() + 1);
        let mut next = i32::from(i16::MIN);
        for (priority, level) in &self.levels {
            let number = i32::from(*priority);
            if next < number {
                parts.push(Part::Priorities(next, number - 1));
            }
            parts.extend(level.points.iter().map(|at| Part::At(*priority, *at)));
            let (at, id) = level.floor.unwrap_or((DateTime::<Utc>::MIN_UTC, Uuid::nil()));
            parts.push(Part::Onward(*priority, at, id));
            next = number + 1;
        }
        if next <= i32::from(i16::MAX) {
            parts.push(Part::Priorities(next, i32::from(i16::MAX)));
        }
        parts
    }

    /// Notes what a claim found in order. One that found less than it wanted has looked through all its parts; a full one has
    /// come as far as its last job.
    pub(crate) fn claimed(&mut self, found: impl Iterator<Item = Position>, was_full: bool) {
        let mut last = None;
        for position in found {
            let level = self.levels.entry(position.0).or_default();
            level.floor = level.floor.max(Some(behind(position)));
            level.reached = level.reached.max(level.floor);
            last = last.max(Some(position));
        }
        if !was_full {
            let heard = self.heard_until.map(|until| (until, Uuid::nil()));
            for level in self.levels.values_mut() {
                level.points.clear();
                level.floor = level.floor.max(level.reached).max(heard);
            }
        } else if let Some((priority, at, _)) = last {
            for level in self.levels.range_mut(..priority) {
                level.1.points.clear();
            }
            if let Some(level) = self.levels.get_mut(&priority) {
                level.points = level.points.split_off(&at);
            }
        }
        self.forget();
    }

    fn forget(&mut self) {
        if self.levels.len() > MOST_LEVELS {
            self.levels.clear();
        }
    }
}

impl Level {
    /// Looking up a moment costs the same wherever it is; walking costs what lies between.
    fn settle(&mut self) {
        let Some((at, _)) = self.floor else { return };
        let near = at.checked_sub_signed(NEAR).unwrap_or(at);
        let first = if self.points.range(..near).count() > MOST_POINTS {
            self.points.first()
        } else {
            self.points.range(near..).next()
        };
        if let Some(first) = first.copied() {
            self.floor = Some((first, Uuid::nil()));
            drop(self.points.split_off(&first));
        }
    }
}

/// The place behind a job.
fn behind((_, at, id): Position) -> Place {
    match id.as_u128().checked_add(1) {
        Some(next) => (at, Uuid::from_u128(next)),
        None => (at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at), Uuid::nil()),
    }
}

#[cfg(test)]
mod tests;
