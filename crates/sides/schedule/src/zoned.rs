//! From readings of the clock on the wall to moments, across the two nights a year when they part.
//!
//! A zone is a row of stretches with one offset each. Within a stretch, reading and moment differ by a
//! constant, so only the seams need thought. Where the clock is put forward, some readings are missing (a
//! gap); where it is put back, some come twice (a fold).
//!
//! - With fixed hours (`30 1 * * *`) a schedule follows the readings: those in a gap are due at its end, those
//!   in a fold once, the first time.
//! - With open hours (`*/30 * * * *`) it follows elapsed time: nothing in a gap, twice in a fold.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::calendar::Calendar;

/// No zone changes its offset twice within this.
const STRIDE: TimeDelta = TimeDelta::hours(12);
const SECOND: TimeDelta = TimeDelta::seconds(1);

/// The first moment later than `after` at which the calendar is due in the zone.
pub(crate) fn next_after(calendar: &Calendar, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let mut from = DateTime::from_timestamp(after.timestamp(), 0)?;
    let mut offset = offset_at(from, zone);
    let mut reading = from.naive_utc() + offset;
    loop {
        reading = calendar.next_reading(reading)?;
        let moment = reading.and_utc() - offset;
        let Some(seam) = first_seam(from, moment, offset, zone) else {
            if calendar.fixed && is_second_pass(reading, moment, zone) {
                continue;
            }
            return Some(moment);
        };
        let next_offset = offset_at(seam, zone);
        let (before, behind) = (seam.naive_utc() + offset, seam.naive_utc() + next_offset);
        if calendar.fixed {
            // The first reading that the ended stretch did not reach.
            if reading >= before && reading < behind {
                return Some(seam);
            }
            reading = before - SECOND;
        } else {
            reading = behind - SECOND;
        }
        (from, offset) = (seam, next_offset);
    }
}

pub(crate) fn offset_at(moment: DateTime<Utc>, zone: Tz) -> TimeDelta {
    let offset = zone.offset_from_utc_datetime(&moment.naive_utc());
    TimeDelta::seconds(offset.fix().local_minus_utc().into())
}

/// The first moment after `from` and not after `to` at which the zone has another offset.
pub(crate) fn first_seam(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    offset: TimeDelta,
    zone: Tz,
) -> Option<DateTime<Utc>> {
    let mut low = from;
    while low < to {
        let high = to.min(low + STRIDE);
        if offset_at(high, zone) != offset {
            return Some(bisect(low, high, offset, zone));
        }
        low = high;
    }
    None
}

/// The seam between two moments, to the second: every zone's offsets change at whole seconds.
fn bisect(mut low: DateTime<Utc>, mut high: DateTime<Utc>, offset: TimeDelta, zone: Tz) -> DateTime<Utc> {
    while high - low > SECOND {
        let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
        if offset_at(middle, zone) == offset {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

fn is_second_pass(reading: NaiveDateTime, moment: DateTime<Utc>, zone: Tz) -> bool {
    match zone.from_local_datetime(&reading) {
        LocalResult::Ambiguous(first, _) => first.with_timezone(&Utc) < moment,
        LocalResult::Single(_) | LocalResult::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expression;

    /// The first firings after a moment, as local times with their offset.
    fn firings(expression: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
        let expression: Expression = expression.parse().unwrap();
        let mut after: DateTime<Utc> = after.parse().unwrap();
        let mut all = Vec::new();
        for _ in 0..count {
            let next = expression.next_after(after, zone, "a").unwrap();
            assert!(next > after);
            all.push(next.with_timezone(&zone).format("%dT%H:%M%:z").to_string());
            after = next;
        }
        all
    }

    // Berlin 2026: forward on March 29 at 01:00Z (02:00 becomes 03:00), back on October 25 at 01:00Z.
    const BERLIN: Tz = Tz::Europe__Berlin;

    #[test]
    fn a_fixed_time_in_a_gap_is_due_at_its_end() {
        let expected = ["28T02:30+01:00", "29T03:00+02:00", "30T02:30+02:00"];
        assert_eq!(firings("30 2 * * *", BERLIN, "2026-03-27T12:00:00Z", 3), expected);
        let expected = ["29T01:40+01:00", "29T03:00+02:00", "30T01:00+02:00"];
        assert_eq!(
            firings("*/20 1,2 * * *", BERLIN, "2026-03-29T00:20:00Z", 3),
            expected,
            "several readings in the gap are one moment"
        );
    }

    #[test]
    fn a_fixed_time_in_a_fold_is_due_once() {
        let expected = ["24T02:30+02:00", "25T02:30+02:00", "26T02:30+01:00"];
        assert_eq!(firings("30 2 * * *", BERLIN, "2026-10-23T12:00:00Z", 3), expected);
        assert_eq!(
            firings("30 2 * * *", BERLIN, "2026-10-25T01:10:00Z", 1),
            ["26T02:30+01:00"],
            "a clock that starts in the second pass does not fire it again"
        );
    }

    #[test]
    fn open_hours_follow_elapsed_time() {
        let expected = ["29T01:30+01:00", "29T03:00+02:00", "29T03:30+02:00"];
        assert_eq!(firings("*/30 * * * *", BERLIN, "2026-03-29T00:00:00Z", 3), expected);
        let expected =
            ["25T02:00+02:00", "25T02:30+02:00", "25T02:00+01:00", "25T02:30+01:00", "25T03:00+01:00"];
        assert_eq!(firings("*/30 * * * *", BERLIN, "2026-10-24T23:30:00Z", 5), expected);
    }

    #[test]
    fn a_seam_of_half_an_hour_and_a_skipped_day() {
        let expected = ["04T01:45+10:30", "04T02:30+11:00", "05T01:45+11:00"];
        let lord_howe = Tz::Australia__Lord_Howe;
        assert_eq!(firings("45 1 * * *", lord_howe, "2026-10-03T12:00:00Z", 1), expected[..1]);
        assert_eq!(firings("15 2 * * *", lord_howe, "2026-10-03T12:00:00Z", 1), expected[1..2]);
        // Samoa had no 2011-12-30.
        let expected = ["29T12:00-10:00", "31T00:00+14:00", "31T12:00+14:00"];
        assert_eq!(firings("0 12 * * *", Tz::Pacific__Apia, "2011-12-29T12:00:00Z", 3), expected);
    }
}
