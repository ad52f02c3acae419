//! The progress of a backfill, as people read it.

use crate::{Progress, Standing};

/// What a person reads about one.
pub(crate) fn line(one: &Progress) -> String {
    let standing = match &one.standing {
        Standing::Running => "running".to_owned(),
        Standing::Paused { by } => format!("paused by {by}"),
        Standing::Interrupted => "interrupted; continue with: migrate backfill run".to_owned(),
        Standing::Done => "done".to_owned(),
    };
    let share = match one.standing {
        Standing::Done => format!("{} rows changed", one.changed),
        _ => rows(one.visited, one.estimated, one.per_second, one.seconds_left),
    };
    let slow = one.slow.as_ref().map(|why| format!(", slowly: {why}")).unwrap_or_default();
    format!("{} step {}: {share}, {standing}{slow}", one.migration, one.step)
}

/// How far, how fast, how long yet.
pub(crate) fn rows(done: i64, estimated: Option<i64>, per_second: i64, seconds_left: Option<i64>) -> String {
    let mut text = match estimated {
        Some(all) if all > 0 => {
            let percent = (done.saturating_mul(100) / all).min(99);
            format!("{done} of about {all} rows ({percent} %)")
        }
        _ => format!("{done} rows"),
    };
    text.push_str(&format!(", {per_second} a second"));
    if let Some(left) = seconds_left {
        text.push_str(&format!(", about {} left", span(left)));
    }
    text
}

fn span(seconds: i64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_never_certain_and_spans_are_readable() {
        assert_eq!(
            rows(50, Some(200), 10, Some(15)),
            "50 of about 200 rows (25 %), 10 a second, about 15 s left"
        );
        assert_eq!(
            rows(300, Some(200), 10, Some(0)),
            "300 of about 200 rows (99 %), 10 a second, about 0 s left"
        );
        assert_eq!(rows(7, None, 3, None), "7 rows, 3 a second");
        assert_eq!([200, 8000, 400_000].map(span), ["3 min", "2 h", "4 days"]);
    }
}
