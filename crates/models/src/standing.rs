//! The status of a service, as shown to people.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Service, ServiceState};

/// The status of a service now. Only a recent successful ping makes it `Up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The last ping was good, and recent.
    Up,
    /// The last pings failed.
    Down,
    /// It was pinged, but not lately: whatever is stored may be wrong by now.
    Stale,
    /// It has had no good ping yet, and not enough bad ones to be down.
    Unknown,
    /// Somebody paused it.
    Paused,
}

impl Standing {
    /// What the stored state is worth at `now`.
    ///
    /// A ping is recent for three intervals, its timeout and ten seconds.
    #[must_use]
    pub fn of(service: &Service, state: &ServiceState, now: DateTime<Utc>) -> Self {
        if service.paused_at.is_some() {
            return Self::Paused;
        }
        let Some(last) = state.last_ping_at else { return Self::Unknown };
        // A ping of the future says as little.
        if (now - last).abs() > patience(service) {
            return Self::Stale;
        }
        match state.state.as_str() {
            "up" => Self::Up,
            "down" => Self::Down,
            _ => Self::Unknown,
        }
    }

    /// Its fixed name: `up`, `down`, `stale`, `unknown` or `paused`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Paused => "paused",
        }
    }
}

fn patience(service: &Service) -> TimeDelta {
    TimeDelta::seconds(3 * i64::from(service.interval_seconds) + 10)
        + TimeDelta::milliseconds(service.timeout_ms.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        let then = DateTime::UNIX_EPOCH;
        Service {
            id: 1,
            name: "shop".into(),
            process: None,
            url: Some("https://shop.example".into()),
            method: "GET".into(),
            interval_seconds: 60,
            timeout_ms: 5000,
            expected_status_min: 200,
            expected_status_max: 299,
            expected_text: None,
            failures_before_incident: 2,
            paused_at: None,
            created_at: then,
            updated_at: then,
        }
    }

    fn state(state: &str, last_ping_at: Option<DateTime<Utc>>) -> ServiceState {
        let then = DateTime::UNIX_EPOCH;
        ServiceState {
            service_id: 1,
            state: state.into(),
            state_since: then,
            consecutive_failures: 0,
            next_ping_at: then,
            last_ping_at,
            last_latency_ms: None,
            last_error_kind: None,
        }
    }

    #[test]
    fn only_a_recent_good_ping_makes_it_up() {
        let then = DateTime::UNIX_EPOCH;
        let after = |seconds| then + TimeDelta::seconds(seconds);
        let of = |word, last, at| Standing::of(&service(), &state(word, last), at);
        assert_eq!(of("up", Some(then), after(195)), Standing::Up);
        assert_eq!(of("up", Some(then), after(196)), Standing::Stale);
        assert_eq!(of("down", Some(then), after(10)), Standing::Down);
        assert_eq!(of("down", Some(then), after(1000)), Standing::Stale);
        assert_eq!(of("up", Some(after(1000)), then), Standing::Stale);
        assert_eq!(of("unknown", Some(then), after(10)), Standing::Unknown);
        assert_eq!(of("up", None, then), Standing::Unknown);
    }

    #[test]
    fn paused_says_more_than_any_ping() {
        let then = DateTime::UNIX_EPOCH;
        let paused = Service { paused_at: Some(then), ..service() };
        assert_eq!(Standing::of(&paused, &state("up", Some(then)), then), Standing::Paused);
    }
}
