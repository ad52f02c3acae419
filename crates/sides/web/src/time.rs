//! Times and durations for people.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

/// A moment as a distance from now, with the exact time as its title.
#[must_use]
pub fn ago(moment: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let distance = now - moment;
    let text = match distance.num_seconds() {
        -4..=4 => "now".to_owned(),
        seconds if seconds < 0 => format!("in {}", length(-distance)),
        _ => format!("{} ago", length(distance)),
    };
    html! { time datetime=(moment.to_rfc3339()) title=(exact(moment)) { (text) } }
}

/// A moment of the past by date and minute.
#[must_use]
pub fn at(moment: DateTime<Utc>) -> Markup {
    let text = moment.format("%-d %b %Y, %H:%M").to_string();
    html! { time datetime=(moment.to_rfc3339()) title=(exact(moment)) { (text) } }
}

fn exact(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration in its largest unit, and the next one where that matters: `42 s`, `3 min`, `2 h 5 min`, `4 days`.
#[must_use]
pub fn length(duration: TimeDelta) -> String {
    let (seconds, minutes, hours, days) =
        (duration.num_seconds(), duration.num_minutes(), duration.num_hours(), duration.num_days());
    match (days, hours, minutes) {
        (2.., _, _) => format!("{days} days"),
        (_, 1.., _) if minutes % 60 != 0 => format!("{hours} h {} min", minutes % 60),
        (_, 1.., _) => format!("{hours} h"),
        (_, _, 1..) => format!("{minutes} min"),
        _ => format!("{} s", seconds.max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_exact_as_they_matter() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (7_500, "2 h 5 min"),
            (200_000, "2 days"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(length(TimeDelta::seconds(seconds)), expected);
        }
    }

    #[test]
    fn past_and_future_are_told_apart() {
        let now = Utc::now();
        let text = |seconds| ago(now + TimeDelta::seconds(seconds), now).into_string();
        assert!(text(-90).contains(">1 min ago<"));
        assert!(text(90).contains(">in 1 min<"));
        assert!(text(2).contains(">now<"));
    }
}
