//! Spreads what is due at the same moment.
//!
//! The delay is a hash of the schedule's name and the moment: every clock comes to the same one, without asking
//! the others, and it differs from schedule to schedule and from time to time.

use chrono::{DateTime, TimeDelta, Utc};

/// Where the last regular moment is looked for, nearest first.
const SPANS: [TimeDelta; 4] =
    [TimeDelta::seconds(2), TimeDelta::minutes(2), TimeDelta::hours(2), TimeDelta::hours(24)];

/// The widest jitter.
pub(crate) const WIDEST: TimeDelta = TimeDelta::hours(24);

/// The first moment later than `after` of a schedule whose regular moments `next` names one after the other,
/// each delayed by less than `jitter`.
///
/// A delay never reaches the next regular moment: two moments stay two, and in their order.
pub(crate) fn next_after(
    after: DateTime<Utc>,
    name: &str,
    jitter: TimeDelta,
    next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    if let Some(last) = last_regular(after, jitter, &next) {
        let following = next(last)?;
        let delayed = last + delay(name, last, jitter.min(following - last));
        return Some(if delayed > after { delayed } else { delayed_from(following, name, jitter, &next) });
    }
    Some(delayed_from(next(after)?, name, jitter, &next))
}

fn delayed_from(
    regular: DateTime<Utc>,
    name: &str,
    jitter: TimeDelta,
    next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> DateTime<Utc> {
    let room = next(regular).map_or(jitter, |following| jitter.min(following - regular));
    regular + delay(name, regular, room)
}

/// The last regular moment not later than `after` whose delay may still reach beyond it.
fn last_regular(
    after: DateTime<Utc>,
    jitter: TimeDelta,
    next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let mut searched = TimeDelta::zero();
    for span in SPANS.map(|span| span.min(jitter)) {
        if span <= searched {
            continue;
        }
        let until_after = |moment: &DateTime<Utc>| next(*moment).filter(|next| *next <= after);
        let first = next(after - span).filter(|first| *first <= after);
        if let Some(last) = std::iter::successors(first, until_after).last() {
            return Some(last);
        }
        searched = span;
    }
    None
}

/// From zero up to and without `room`, in whole milliseconds.
fn delay(name: &str, moment: DateTime<Utc>, room: TimeDelta) -> TimeDelta {
    let Ok(room @ 1..) = u64::try_from(room.num_milliseconds()) else { return TimeDelta::zero() };
    let hash = hash(name.as_bytes(), &moment.timestamp_millis().to_be_bytes());
    TimeDelta::milliseconds(i64::try_from(hash % room).unwrap_or_default())
}

/// FNV-1a, mixed once more: written down here because it must stay the same for ever, in every release.
fn hash(name: &[u8], moment: &[u8]) -> u64 {
    let fnv = name.iter().chain(moment).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schedule;

    fn moments(name: &str, expression: &str, count: usize) -> Vec<DateTime<Utc>> {
        let schedule = Schedule::new(name, expression, "work").unwrap();
        schedule.upcoming("2026-11-23T00:00:00Z".parse().unwrap()).take(count).collect()
    }

    #[test]
    fn each_regular_moment_has_one_delayed_one_in_its_own_room() {
        for expression in ["@hourly jitter 5 min", "every 10 s jitter 10 s", "*/2 * * * * jitter 24 h"] {
            let regular = moments("a", expression.split(" jitter").next().unwrap(), 60);
            let delayed = moments("a", expression, 59);
            // The first one asked for may be the delayed moment of the regular one before.
            let begin = usize::from(delayed[0] < regular[0]);
            for (pair, delayed) in regular.windows(2).zip(&delayed[begin..]) {
                assert!(pair[0] <= *delayed && *delayed < pair[1], "{expression}: {pair:?} {delayed}");
            }
        }
    }

    #[test]
    fn asked_from_anywhere_the_answer_is_the_same() {
        let schedule = Schedule::new("a", "*/5 * * * * jitter 4 min", "work").unwrap();
        let all = moments("a", "*/5 * * * * jitter 4 min", 40);
        for pair in all.windows(2) {
            let mut from = pair[0];
            while from < pair[1] {
                assert_eq!(schedule.next_after(from), Some(pair[1]), "from {from}");
                from += TimeDelta::milliseconds(7919);
            }
        }
    }

    #[test]
    fn names_and_moments_differ_and_stay() {
        let (a, b) = (moments("a", "@hourly jitter 1 h", 8), moments("b", "@hourly jitter 1 h", 8));
        assert!(a.iter().all(|moment| !b.contains(moment)));
        let spread: std::collections::HashSet<_> =
            a.iter().map(|moment| moment.timestamp() % 3600 / 60).collect();
        assert!(spread.len() > 4, "{a:?}");
        let first = delay("a", DateTime::UNIX_EPOCH, TimeDelta::hours(1));
        assert_eq!(
            first.num_milliseconds(),
            FIRST,
            "another hash would fire ticks of a running release again"
        );
    }

    const FIRST: i64 = 2_024_010;
}
