//! How far each schedule has come: what is due now, and when to wake up next. Pure, with the time given.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use schedule::Schedule;

/// The schedules with their cursors. Every moment up to a cursor was fired or given up.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    lines: HashMap<Arc<str>, Line>,
    /// The next due moment of each line that has one.
    queue: BTreeSet<(DateTime<Utc>, Arc<str>)>,
}

#[derive(Debug)]
struct Line {
    schedule: Arc<Schedule>,
    /// `None` until the database told what other schedulers did.
    cursor: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
    is_paused: bool,
    is_stored: bool,
}

/// A schedule to keep.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) schedule: Schedule,
    /// Nothing up to this moment was ever due.
    pub(crate) not_before: Option<DateTime<Utc>>,
    pub(crate) is_paused: bool,
    /// Whether it is in the database, and not in the code.
    pub(crate) is_stored: bool,
}

/// What the database knows of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The expression and the zone that were announced last.
    pub(crate) announced: Option<(String, String)>,
    /// The next due moment that was announced with them.
    pub(crate) next_due_at: Option<DateTime<Utc>>,
    /// The last moment that fired.
    pub(crate) last_due_at: Option<DateTime<Utc>>,
}

/// A moment to fire.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) at: DateTime<Utc>,
    /// Who asked for it, when it is no regular one.
    pub(crate) asked_by: Option<String>,
}

/// What is due at one moment.
#[derive(Debug)]
pub(crate) struct Round {
    now: DateTime<Utc>,
    lines: Vec<Arc<str>>,
    pub(crate) due: Vec<Due>,
}

/// What happened to the schedules that were kept before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// New, or due at other moments than before: ask the database about them, and announce them.
    pub(crate) unknown: Vec<String>,
    /// Stored ones that are there no more.
    pub(crate) removed: Vec<String>,
}

impl Timeline {
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(AsRef::as_ref)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Schedule>> {
        Some(&self.lines.get(name)?.schedule)
    }

    /// Keeps these from now on. Those that were there with the same expression stay where they are.
    pub(crate) fn set(&mut self, entries: Vec<Entry>) -> Changed {
        let mut before = std::mem::take(&mut self.lines);
        self.queue.clear();
        let mut changed = Changed::default();
        for entry in entries {
            let name: Arc<str> = entry.schedule.name.as_str().into();
            let known = before.remove(&name).filter(|line| is_due_alike(&line.schedule, &entry.schedule));
            let cursor = known.and_then(|line| line.cursor);
            if cursor.is_none() {
                changed.unknown.push(entry.schedule.name.clone());
            }
            let Entry { schedule, not_before, is_paused, is_stored } = entry;
            let schedule = Arc::new(schedule);
            let line = Line { schedule, cursor: None, next: None, not_before, is_paused, is_stored };
            self.lines.insert(name.clone(), line);
            if let Some(cursor) = cursor {
                self.advance(&name, cursor);
            }
        }
        let stored = before.iter().filter(|(name, line)| line.is_stored && !self.lines.contains_key(*name));
        changed.removed = stored.map(|(name, _)| name.to_string()).collect();
        changed
    }

    /// Learns what other schedulers did with these.
    pub(crate) fn learn(&mut self, known: &HashMap<String, Known>, now: DateTime<Utc>) {
        for (name, known) in known {
            let Some(line) = self.lines.get(name.as_str()) else { continue };
            let told = cursor(&line.schedule, known);
            // Nothing is known of a stored one that is new: then it begins with its row, not with this scheduler.
            let begin = line.not_before.unwrap_or(now);
            self.advance(name, line.cursor.max(told).unwrap_or(begin));
        }
    }

    /// What is due now, and what of it to fire; see [`schedule::due`]. In one order on all schedulers, and not much
    /// more than `most` at once: when more is due, it still is in the next round.
    pub(crate) fn due(&self, now: DateTime<Utc>, most: usize) -> Round {
        let mut round = Round { now, lines: Vec::new(), due: Vec::new() };
        for (_, name) in self.queue.iter().take_while(|(next, _)| *next <= now) {
            let Some(line) = self.lines.get(name) else { continue };
            let moments = line.cursor.map(|cursor| schedule::due(&line.schedule, cursor, now));
            let due = |at| Due { schedule: line.schedule.clone(), at, asked_by: None };
            round.due.extend(moments.unwrap_or_default().into_iter().map(due));
            round.lines.push(name.clone());
            if round.due.len() >= most {
                break;
            }
        }
        round.due.sort_by(|a, b| (a.at, &a.schedule.name).cmp(&(b.at, &b.schedule.name)));
        round
    }

    /// A moment was fired, by this scheduler or another.
    pub(crate) fn fired(&mut self, due: &Due) {
        if due.asked_by.is_none() {
            self.advance(&due.schedule.name, due.at);
        }
    }

    /// Every moment of the round was fired or given up.
    pub(crate) fn complete(&mut self, round: &Round) {
        for name in &round.lines {
            self.advance(name, round.now);
        }
    }

    /// When something is due next.
    pub(crate) fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.queue.first().map(|(next, _)| *next)
    }

    /// Those of these schedules that are due again, with the moment.
    pub(crate) fn upcoming<'a>(
        &'a self,
        names: &'a [String],
    ) -> impl Iterator<Item = (&'a Schedule, DateTime<Utc>)> {
        let lines = names.iter().filter_map(|name| self.lines.get(name.as_str()));
        lines.filter_map(|line| Some((line.schedule.as_ref(), line.next?)))
    }

    fn advance(&mut self, name: &str, cursor: DateTime<Utc>) {
        let Some((name, _)) = self.lines.get_key_value(name) else { return };
        let name = name.clone();
        let Some(line) = self.lines.get_mut(&name) else { return };
        let cursor = line.not_before.map_or(cursor, |floor| floor.max(cursor));
        if let Some(next) = line.next.take() {
            self.queue.remove(&(next, name.clone()));
        }
        line.cursor = Some(cursor);
        if !line.is_paused {
            line.next = line.schedule.next_after(cursor);
        }
        if let Some(next) = line.next {
            self.queue.insert((next, name));
        }
    }
}

fn is_due_alike(one: &Schedule, other: &Schedule) -> bool {
    one.expression.to_string() == other.expression.to_string() && one.zone == other.zone
}

/// From where on moments are open. What was announced with another expression was never due under this one.
fn cursor(schedule: &Schedule, known: &Known) -> Option<DateTime<Utc>> {
    let (expression, zone) = known.announced.as_ref()?;
    if *expression != schedule.expression.to_string() || zone != schedule.zone.name() {
        return None;
    }
    let before_next = known.next_due_at.map(|next| next - TimeDelta::microseconds(1));
    known.last_due_at.max(before_next)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
