//! What to know about a firing near a change of daylight saving time.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{Zone, calendar::Calendar, zoned::first_seam};

/// Why a firing is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The clocks are put forward here, and this reading, the first of those skipped, was due in between.
    EndOfGap(NaiveDateTime),
    /// The clocks will show this reading again.
    FirstPass,
    /// The clocks show this reading for the second time.
    SecondPass,
}

/// A change of clocks in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// What the clocks would show then without it.
    pub before: NaiveDateTime,
    /// What they show instead.
    pub behind: NaiveDateTime,
}

/// The first change of clocks later than `after` and not later than `until`.
#[must_use]
pub fn next_change(after: DateTime<Utc>, until: DateTime<Utc>, zone: &Zone) -> Option<Change> {
    let from = DateTime::from_timestamp(after.timestamp(), 0)?;
    let offset = zone.offset_at(from);
    let at = first_seam(from, until, offset, zone)?;
    Some(Change { at, before: at.naive_utc() + offset, behind: at.naive_utc() + zone.offset_at(at) })
}

/// What to say of a moment at which the calendar is due.
pub(crate) fn note(calendar: &Calendar, at: DateTime<Utc>, zone: &Zone) -> Option<Note> {
    let reading = zone.local(at).naive_local();
    if let Some(first) = zone.first_of_two(reading) {
        return Some(if first == at { Note::FirstPass } else { Note::SecondPass });
    }
    let change = next_change(at - TimeDelta::seconds(1), at, zone)?;
    let skipped = calendar.next_reading(change.before - TimeDelta::seconds(1))?;
    (calendar.fixed && skipped < change.behind).then_some(Note::EndOfGap(skipped))
}
