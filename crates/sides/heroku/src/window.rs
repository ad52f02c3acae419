//! Preboot's window: old web dynos keep serving while new ones boot, and scaling then would stop those that serve.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How much of the window is left, if any is.
pub(crate) fn left(released_at: DateTime<Utc>, window: Duration, now: DateTime<Utc>) -> Option<Duration> {
    // A clock that is behind Heroku's sees a release in the future: the whole window is left then.
    let passed = (now - released_at).to_std().unwrap_or(Duration::ZERO);
    window.checked_sub(passed).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_ends_and_a_clock_behind_does_not_shorten_it() {
        let now = Utc::now();
        let seconds = Duration::from_secs;
        assert_eq!(left(now - seconds(50), seconds(180), now), Some(seconds(130)));
        assert_eq!(left(now - seconds(180), seconds(180), now), None);
        assert_eq!(left(now + seconds(5), seconds(180), now), Some(seconds(180)));
    }
}
