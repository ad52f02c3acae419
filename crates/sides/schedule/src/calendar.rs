//! Readings of the clock on the wall.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::fields::Fields;

/// The readings at which something is due, in no zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    alternatives: Vec<cron::Schedule>,
    /// Whether hours are named one by one; see [`crate::zoned`].
    pub(crate) fixed: bool,
}

impl Calendar {
    /// Reads five or six fields. The error says what is wrong with them.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let fields = Fields::read(text)?;
        let alternatives: Result<Vec<cron::Schedule>, _> =
            fields.notations().iter().map(|one| one.parse()).collect();
        let alternatives = alternatives.map_err(|error| error.to_string())?;
        let calendar = Self { alternatives, fixed: fields.has_fixed_hours() };
        let from = DateTime::<Utc>::UNIX_EPOCH.naive_utc();
        let comes = calendar.next_reading(from).is_some();
        comes.then_some(calendar).ok_or_else(|| "that day never comes".to_owned())
    }

    /// The first matching reading later than `after`.
    pub(crate) fn next_reading(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        // As UTC a reading is never missing or double, and the crate has no zone to go wrong about.
        let after = after.and_utc();
        let next = self.alternatives.iter().filter_map(|one| one.after(&after).next()).min()?;
        Some(next.naive_utc())
    }
}
