//! From readings of the clock on the wall to moments, across the two nights a year when they part.
//!
//! A zone is a row of stretches with one offset each. Within a stretch, reading and moment differ by a
//! constant, so only the seams need thought. Where the clock is put forward, some readings are missing (a
//! gap); where it is put back, some come twice (a fold).
//!
//! - With fixed hours (`30 1 * * *`) a schedule follows the readings: those in a gap are due at its end, those
//!   in a fold once, the first time.
//! - With open hours (`*/30 * * * *`) it follows elapsed time: nothing in a gap, twice in a fold.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{Zone, calendar::Calendar};

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// The first moment later than `after` at which the calendar is due in the zone.
pub(crate) fn next_after(calendar: &Calendar, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
    let mut from = DateTime::from_timestamp(after.timestamp(), 0)?;
    let mut offset = zone.offset_at(from);
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
        let next_offset = zone.offset_at(seam);
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

/// The first moment after `from` and not after `to` at which the zone has another offset.
pub(crate) fn first_seam(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    offset: TimeDelta,
    zone: &Zone,
) -> Option<DateTime<Utc>> {
    let mut seams = zone.seams(from).take_while(|(at, _)| *at <= to);
    seams.find(|(_, next)| *next != offset).map(|(at, _)| at)
}

fn is_second_pass(reading: NaiveDateTime, moment: DateTime<Utc>, zone: &Zone) -> bool {
    zone.first_of_two(reading).is_some_and(|first| first < moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expression;

    /// The first firings after a moment, as local times with their offset.
    fn firings(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let expression: Expression = expression.parse().unwrap();
        let zone: Zone = zone.parse().unwrap();
        let mut after: DateTime<Utc> = after.parse().unwrap();
        let mut all = Vec::new();
        for _ in 0..count {
            let next = expression.next_after(after, &zone, "a").unwrap();
            assert!(next > after);
            all.push(zone.local(next).format("%dT%H:%M%:z").to_string());
            after = next;
        }
        all
    }

    // Berlin 2026: forward on March 29 at 01:00Z (02:00 becomes 03:00), back on October 25 at 01:00Z.
    const BERLIN: &str = "Europe/Berlin";

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
    fn all_hours_are_open_hours_however_they_are_written() {
        for hours in ["0-23", "*/1", "0-11,12-23"] {
            for night in ["2026-03-29T00:00:00Z", "2026-10-24T23:30:00Z"] {
                let written = firings(&format!("*/30 {hours} * * *"), BERLIN, night, 8);
                assert_eq!(written, firings("*/30 * * * *", BERLIN, night, 8), "{hours}");
            }
        }
        let new_york = firings("*/30 0-23 * * *", "America/New_York", "2027-11-07T05:00:00Z", 5);
        let expected =
            ["07T01:30-04:00", "07T01:00-05:00", "07T01:30-05:00", "07T02:00-05:00", "07T02:30-05:00"];
        assert_eq!(new_york, expected);
    }

    #[test]
    fn a_seam_of_half_an_hour_and_a_skipped_day() {
        let expected = ["04T01:45+10:30", "04T02:30+11:00", "05T01:45+11:00"];
        let lord_howe = "Australia/Lord_Howe";
        assert_eq!(firings("45 1 * * *", lord_howe, "2026-10-03T12:00:00Z", 1), expected[..1]);
        assert_eq!(firings("15 2 * * *", lord_howe, "2026-10-03T12:00:00Z", 1), expected[1..2]);
        // Samoa had no 2011-12-30.
        let expected = ["29T12:00-10:00", "31T00:00+14:00", "31T12:00+14:00"];
        assert_eq!(firings("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3), expected);
    }
}
