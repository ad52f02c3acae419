//! Times in words.

use chrono::{DateTime, TimeDelta, Utc};
use database::Moment;
use schedule::Zone;

/// `Sun 2027-03-28 03:00:00 +02:00`, with the fraction where there is one.
pub(super) fn local(at: DateTime<Utc>, zone: &Zone) -> String {
    let format = if at.timestamp_subsec_millis() == 0 { "%a %F %T %:z" } else { "%a %F %T%.3f %:z" };
    zone.local(at).format(format).to_string()
}

/// `in 3 min`, `2 h ago`
pub(crate) fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let span = at - now;
    let text = about(span.abs());
    if span < TimeDelta::zero() { format!("{text} ago") } else { format!("in {text}") }
}

/// As [`distance`], or that there is none.
pub(crate) fn moment(at: Moment, now: DateTime<Utc>) -> String {
    match at {
        Moment::INFINITE_FUTURE => "never".to_owned(),
        Moment::INFINITE_PAST => "always".to_owned(),
        at => distance(at.nearest(), now),
    }
}

fn about(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds / 60),
        6_000..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_shortly() {
        let now: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().unwrap();
        let said = |seconds| distance(now + TimeDelta::seconds(seconds), now);
        assert_eq!([said(7), said(-90), said(600)], ["in 7 s", "90 s ago", "in 10 min"]);
        assert_eq!([said(7_300), said(-864_000)], ["in 2 h", "10 d ago"]);
        assert_eq!(local(now, &"Europe/Berlin".parse().unwrap()), "Tue 2026-11-24 13:00:00 +01:00");
        assert!(local(now + TimeDelta::milliseconds(50), &Zone::utc()).contains("12:00:00.050 +00:00"));
    }
}
