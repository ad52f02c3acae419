//! How far each schedule has come: what is due now, and when to wake up next. Pure, with the time given.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use schedule::Schedule;

/// The schedules with their cursors. Every moment up to a cursor is settled.
#[derive(Debug)]
pub(crate) struct Timeline(Vec<Line>);

#[derive(Debug)]
struct Line {
    schedule: Arc<Schedule>,
    /// `None` until the database told what other clocks did.
    cursor: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
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
    pub(crate) line: usize,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) at: DateTime<Utc>,
}

impl Timeline {
    pub(crate) fn new(schedules: Vec<Schedule>) -> Self {
        let line = |schedule| Line { schedule: Arc::new(schedule), cursor: None, next: None };
        Self(schedules.into_iter().map(line).collect())
    }

    pub(crate) fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.0.iter().map(|line| line.schedule.as_ref())
    }

    /// Learns what other clocks did, at the start and after a time without the database.
    pub(crate) fn learn(&mut self, known: &HashMap<String, Known>, now: DateTime<Utc>) {
        for line in &mut self.0 {
            let told = known.get(&line.schedule.name).and_then(|known| cursor(&line.schedule, known));
            let cursor = match (line.cursor, told) {
                (Some(own), Some(told)) => own.max(told),
                (own, told) => own.or(told).unwrap_or(now),
            };
            line.settle(cursor);
        }
    }

    /// Whether anything is due, and what of it to fire; see [`schedule::due`].
    pub(crate) fn due(&self, now: DateTime<Utc>) -> Vec<Due> {
        let waiting = self.0.iter().enumerate().filter(|(_, line)| line.next.is_some_and(|next| next <= now));
        let mut all: Vec<Due> = waiting
            .flat_map(|(index, line)| {
                let moments = line.cursor.map(|cursor| schedule::due(&line.schedule, cursor, now));
                let due = move |at| Due { line: index, schedule: line.schedule.clone(), at };
                moments.unwrap_or_default().into_iter().map(due)
            })
            .collect();
        all.sort_by_key(|due| due.at);
        all
    }

    /// A moment was fired, here or elsewhere.
    pub(crate) fn fired(&mut self, due: &Due) {
        self.0[due.line].settle(due.at);
    }

    /// Every moment up to `now` was fired or given up.
    pub(crate) fn settled(&mut self, now: DateTime<Utc>) {
        for line in &mut self.0 {
            if line.next.is_some_and(|next| next <= now) {
                line.settle(now);
            }
        }
    }

    /// When something is due next.
    pub(crate) fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|line| line.next).min()
    }

    /// Each schedule with its next due moment; those that are never due again are left out.
    pub(crate) fn upcoming(&self) -> impl Iterator<Item = (&Schedule, DateTime<Utc>)> {
        self.0.iter().filter_map(|line| Some((line.schedule.as_ref(), line.next?)))
    }
}

impl Line {
    fn settle(&mut self, cursor: DateTime<Utc>) {
        self.cursor = Some(cursor);
        self.next = self.schedule.next_after(cursor);
    }
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
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        format!("2026-11-{text}Z").parse().unwrap()
    }

    fn timeline(known: Option<Known>, now: &str) -> Timeline {
        let mut timeline = Timeline::new(vec![Schedule::new("a", "@hourly", "work").unwrap()]);
        let known = known.map(|known| ("a".to_owned(), known)).into_iter().collect();
        timeline.learn(&known, moment(now));
        timeline
    }

    fn known(expression: &str, next: &str, last: Option<&str>) -> Known {
        Known {
            announced: Some((expression.to_owned(), "UTC".to_owned())),
            next_due_at: Some(moment(next)),
            last_due_at: last.map(moment),
        }
    }

    fn due(timeline: &Timeline, now: &str) -> Vec<DateTime<Utc>> {
        timeline.due(moment(now)).iter().map(|due| due.at).collect()
    }

    #[test]
    fn a_new_schedule_begins_now() {
        let timeline = timeline(None, "23T09:30:00");
        assert!(due(&timeline, "23T09:30:00").is_empty());
        assert_eq!(timeline.wake_at(), Some(moment("23T10:00:00")));
    }

    #[test]
    fn what_was_announced_and_not_fired_was_missed() {
        let never_fired = timeline(Some(known("@hourly", "23T08:00:00", None)), "23T09:30:00");
        assert_eq!(due(&never_fired, "23T09:30:00"), [moment("23T09:00:00")]);
        let fired = known("@hourly", "23T08:00:00", Some("23T09:00:00"));
        assert!(due(&timeline(Some(fired), "23T09:30:00"), "23T09:30:00").is_empty());
    }

    #[test]
    fn another_expression_owes_nothing() {
        let changed = timeline(Some(known("@daily", "23T00:00:00", Some("22T00:00:00"))), "23T09:30:00");
        assert!(due(&changed, "23T09:30:00").is_empty());
    }

    #[test]
    fn a_clock_that_lost_its_database_goes_on_where_it_was() {
        let mut timeline = timeline(None, "23T09:30:00");
        timeline.learn(&HashMap::new(), moment("23T12:30:00"));
        assert_eq!(due(&timeline, "23T12:30:00"), [moment("23T12:00:00")]);
        let others = known("@hourly", "23T13:00:00", Some("23T12:00:00"));
        timeline.learn(&[("a".to_owned(), others)].into(), moment("23T12:30:00"));
        assert!(due(&timeline, "23T12:30:00").is_empty());
    }

    #[test]
    fn nothing_is_due_twice() {
        let mut timeline = timeline(None, "23T09:30:00");
        for one in timeline.due(moment("23T10:00:01")) {
            timeline.fired(&one);
        }
        timeline.settled(moment("23T10:00:01"));
        assert!(due(&timeline, "23T10:00:02").is_empty());
        assert_eq!(timeline.wake_at(), Some(moment("23T11:00:00")));
    }
}
