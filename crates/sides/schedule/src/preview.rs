//! The preview of a schedule: the next firings, and those around the next change of daylight saving time.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Change, Note, Schedule, next_change};

/// How far ahead a change of clocks is looked for.
const HORIZON: TimeDelta = TimeDelta::days(400);
/// From where on firings ahead of a change are walked, nearest first.
const SPANS: [TimeDelta; 5] = [
    TimeDelta::minutes(1),
    TimeDelta::hours(2),
    TimeDelta::days(2),
    TimeDelta::days(14),
    TimeDelta::days(100),
];

/// How near firings are among which a change of clocks is shown.
const NEAR: TimeDelta = TimeDelta::days(32);

/// A line of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// It fires.
    Firing {
        /// When.
        at: DateTime<Utc>,
        /// What to know of it.
        note: Option<Note>,
    },
    /// The zone's clocks change.
    Change(Change),
    /// Firings that are left out.
    LeftOut,
}

/// The next `count` firings later than `from`. When the next change of clocks is further away, half of them are
/// those around it.
#[must_use]
pub fn preview(schedule: &Schedule, from: DateTime<Utc>, count: usize) -> Vec<Preview> {
    let next: Vec<_> = schedule.upcoming(from).take(count).collect();
    let horizon = next_change(from, from + HORIZON, &schedule.zone);
    match (next.last(), horizon) {
        (Some(last), Some(change)) if change.at > *last && count >= 4 => {
            let around = around(schedule, &change, count / 4, count / 2);
            let near = &next[..count - count / 2];
            if around.first().is_some_and(|first| near.last().is_some_and(|last| first > last)) {
                let mut lines = lines(schedule, from, near);
                lines.push(Preview::LeftOut);
                lines.extend(self::lines(schedule, around[0] - TimeDelta::seconds(1), &around));
                return lines;
            }
            lines(schedule, from, &next)
        }
        _ => lines(schedule, from, &next),
    }
}

/// `count` firings, of which about `before` are ahead of the change.
fn around(schedule: &Schedule, change: &Change, before: usize, count: usize) -> Vec<DateTime<Utc>> {
    let ahead = |span: TimeDelta| -> Vec<_> {
        schedule.upcoming(change.at - span).take_while(|at| *at < change.at).collect()
    };
    let walks = SPANS.iter().map(|span| ahead(*span));
    let mut firings = walks.into_iter().find(|firings| firings.len() >= before).unwrap_or_default();
    firings.drain(..firings.len().saturating_sub(before));
    let behind = schedule.upcoming(change.at - TimeDelta::milliseconds(1));
    let left = count - firings.len();
    firings.extend(behind.take(left));
    firings
}

fn lines(schedule: &Schedule, from: DateTime<Utc>, firings: &[DateTime<Utc>]) -> Vec<Preview> {
    let mut lines = Vec::new();
    let mut seen = from;
    for at in firings {
        // Between firings that are months apart a change is no news.
        let near = *at - seen <= NEAR;
        while let Some(change) = next_change(seen, *at, &schedule.zone).filter(|_| near) {
            lines.push(Preview::Change(change));
            seen = change.at;
        }
        seen = *at;
        lines.push(Preview::Firing { at: *at, note: schedule.expression.note(*at, &schedule.zone) });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expression: &str, from: &str, count: usize) -> Vec<String> {
        let mut schedule = Schedule::new("a", expression, "work").unwrap();
        schedule.zone = "Europe/Berlin".parse().unwrap();
        let local = |at: DateTime<Utc>| schedule.zone.local(at).format("%m-%dT%H:%M%:z").to_string();
        let lines = preview(&schedule, from.parse().unwrap(), count);
        lines
            .into_iter()
            .map(|line| match line {
                Preview::Firing { at, note: None } => local(at),
                Preview::Firing { at, note: Some(Note::EndOfGap(skipped)) } => {
                    format!("{} for {}", local(at), skipped.format("%H:%M"))
                }
                Preview::Firing { at, note: Some(Note::FirstPass) } => format!("{} first", local(at)),
                Preview::Firing { at, note: Some(Note::SecondPass) } => format!("{} second", local(at)),
                Preview::Change(change) => {
                    format!("{} becomes {}", change.before.format("%H:%M"), change.behind.format("%H:%M"))
                }
                Preview::LeftOut => "…".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_far_change_takes_half_of_the_lines() {
        let shown = shown("30 2 * * *", "2026-11-24T12:00:00Z", 8);
        assert_eq!(
            shown,
            [
                "11-25T02:30+01:00",
                "11-26T02:30+01:00",
                "11-27T02:30+01:00",
                "11-28T02:30+01:00",
                "…",
                "03-26T02:30+01:00",
                "03-27T02:30+01:00",
                "02:00 becomes 03:00",
                "03-28T03:00+02:00 for 02:30",
                "03-29T02:30+02:00",
            ]
        );
    }

    #[test]
    fn a_near_change_is_among_the_next() {
        let shown = shown("*/30 * * * *", "2026-10-24T23:40:00Z", 6);
        let expected = [
            "10-25T02:00+02:00 first",
            "10-25T02:30+02:00 first",
            "03:00 becomes 02:00",
            "10-25T02:00+01:00 second",
            "10-25T02:30+01:00 second",
            "10-25T03:00+01:00",
            "10-25T03:30+01:00",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_needs_no_change_shows_none() {
        assert_eq!(
            shown("@yearly", "2026-11-24T12:00:00Z", 3)
                .iter()
                .filter(|line| line.starts_with("01-01T00:00"))
                .count(),
            3
        );
        let utc = Schedule::new("a", "@daily", "work").unwrap();
        let from = "2026-11-24T12:00:00Z".parse().unwrap();
        assert!(
            preview(&utc, from, 20).iter().all(|line| matches!(line, Preview::Firing { note: None, .. }))
        );
    }
}
