//! Which due moments to fire, on time or after a time without a clock. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Missed, Schedule, policy::delta};

/// How far back the last due moment is looked for, nearest first, so that a year without a clock costs no
/// walk through every second of it.
const SPANS: [TimeDelta; 6] = [
    TimeDelta::minutes(1),
    TimeDelta::hours(1),
    TimeDelta::days(1),
    TimeDelta::days(32),
    TimeDelta::days(366),
    // Beyond the rarest day there is, a fifth Sunday of February around 2100.
    TimeDelta::days(50 * 366),
];

/// The moments later than `cursor` and not later than `now` that are to be fired, oldest first.
#[must_use]
pub fn due(schedule: &Schedule, cursor: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let span = match schedule.missed {
        Missed::Skip => Missed::LATE,
        Missed::Latest => return latest(schedule, cursor, now).into_iter().collect(),
        Missed::AllWithin(span) => span.max(Missed::LATE),
    };
    // A moment exactly as old as the span still counts.
    let from = cursor.max(now - delta(span) - TimeDelta::milliseconds(1));
    let mut moments = std::collections::VecDeque::new();
    for moment in within(schedule, from, now) {
        if moments.len() == Missed::MOST {
            moments.pop_front();
        }
        moments.push_back(moment);
    }
    moments.into()
}

fn latest(schedule: &Schedule, cursor: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let mut near = SPANS.iter().map(|span| cursor.max(now - *span));
    near.find_map(|from| within(schedule, from, now).last())
}

fn within(
    schedule: &Schedule,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = DateTime<Utc>> {
    schedule.upcoming(from).take_while(move |moment| *moment <= now)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn fired(expression: &str, missed: Missed, cursor: &str, now: &str) -> Vec<String> {
        let mut schedule = Schedule::new("a", expression, "work").unwrap();
        schedule.missed = missed;
        let due = due(&schedule, moment(cursor), moment(now));
        due.iter().map(|moment| moment.format("%dT%H:%M:%S").to_string()).collect()
    }

    const HOUR: Missed = Missed::AllWithin(Duration::from_secs(3600));

    #[test]
    fn on_time_every_policy_is_the_same() {
        for missed in [Missed::Skip, Missed::Latest, HOUR] {
            let due = fired("@hourly", missed, "2026-11-23T09:00:00Z", "2026-11-23T10:00:00.004Z");
            assert_eq!(due, ["23T10:00:00"], "{missed:?}");
            let due = fired("@hourly", missed, "2026-11-23T10:00:00Z", "2026-11-23T10:00:00.004Z");
            assert!(due.is_empty(), "{missed:?}");
        }
    }

    #[test]
    fn after_a_day_each_policy_makes_up_for_what_it_says() {
        let (cursor, now) = ("2026-11-22T09:00:00Z", "2026-11-23T09:30:00Z");
        assert!(fired("*/20 * * * *", Missed::Skip, cursor, now).is_empty());
        assert_eq!(fired("*/20 * * * *", Missed::Latest, cursor, now), ["23T09:20:00"]);
        assert_eq!(fired("*/20 * * * *", HOUR, cursor, now), ["23T08:40:00", "23T09:00:00", "23T09:20:00"]);
    }

    #[test]
    fn late_is_not_missed() {
        let now = "2026-11-23T10:00:05Z";
        assert_eq!(fired("@hourly", Missed::Skip, "2026-11-23T09:59:00Z", now), ["23T10:00:00"]);
        let now = "2026-11-23T10:00:05.100Z";
        assert!(fired("@hourly", Missed::Skip, "2026-11-23T09:59:00Z", now).is_empty());
    }

    #[test]
    fn a_year_of_seconds_is_no_flood_and_no_walk() {
        let begun = Instant::now();
        let (cursor, now) = ("2025-11-23T00:00:00Z", "2026-11-23T00:00:00Z");
        assert_eq!(fired("every 1 s", Missed::Latest, cursor, now), ["23T00:00:00"]);
        assert_eq!(fired("@yearly", Missed::Latest, cursor, now), ["01T00:00:00"]);
        assert_eq!(fired("every 1 s", Missed::Skip, cursor, now).len(), 6);
        let first = "0001-01-01T00:00:00Z";
        assert_eq!(fired("0 0 * 2 0#5", Missed::Latest, first, now), ["29T00:00:00"]);
        let most = fired("every 1 s", HOUR, cursor, now);
        assert_eq!((most.len(), most.last().unwrap().as_str()), (Missed::MOST, "23T00:00:00"));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
