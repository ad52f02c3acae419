//! How a ping changes the state of a service. Pure.

use crate::ServiceState;

/// A moment that people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// Enough pings failed: an incident begins.
    Opened,
    /// A ping was good again: it ends.
    Closed,
}

impl Transition {
    /// Its fixed name, as in `webhook_deliveries.transition`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
        }
    }

    /// The transition of a stored name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Opened, Self::Closed].into_iter().find(|transition| transition.name() == name)
    }
}

/// How a service stands after one more ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) state: &'static str,
    pub(crate) consecutive_failures: i32,
    pub(crate) transition: Option<Transition>,
}

/// One good ping makes a service up; `failures_before_incident` bad ones in a row make it down.
pub(crate) fn step(before: &ServiceState, ok: bool, failures_before_incident: i16) -> Step {
    let was_down = before.state == "down";
    if ok {
        let transition = was_down.then_some(Transition::Closed);
        return Step { state: "up", consecutive_failures: 0, transition };
    }
    let consecutive_failures = before.consecutive_failures.saturating_add(1);
    let enough = consecutive_failures >= i32::from(failures_before_incident);
    let (state, transition) = match (before.state.as_str(), enough) {
        ("down", _) => ("down", None),
        (_, true) => ("down", Some(Transition::Opened)),
        ("up", false) => ("up", None),
        (_, false) => ("unknown", None),
    };
    Step { state, consecutive_failures, transition }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// The states and transitions that a row of pings leads through; `.` is a good one, `x` a bad one.
    fn walk(pings: &str, failures_before_incident: i16) -> String {
        let mut state = ServiceState {
            service_id: 1,
            state: "unknown".to_owned(),
            state_since: DateTime::UNIX_EPOCH,
            consecutive_failures: 0,
            next_ping_at: DateTime::UNIX_EPOCH,
            last_ping_at: None,
            last_latency_ms: None,
            last_error_kind: None,
        };
        let mut path = Vec::new();
        for ping in pings.chars() {
            let step = step(&state, ping == '.', failures_before_incident);
            step.state.clone_into(&mut state.state);
            state.consecutive_failures = step.consecutive_failures;
            path.push(match step.transition {
                Some(transition) => format!("{}!{}", step.state, transition.name()),
                None => step.state.to_owned(),
            });
        }
        path.join(" ")
    }

    #[test]
    fn an_incident_opens_once_and_closes_once() {
        assert_eq!(walk(".xxx..", 2), "up up down!opened down up!closed up");
        assert_eq!(walk("x.x", 1), "down!opened up!closed down!opened");
    }

    #[test]
    fn a_good_ping_in_between_starts_the_count_anew() {
        assert_eq!(walk(".xx.xx.", 3), "up up up up up up up");
    }

    #[test]
    fn a_service_that_was_never_up_can_go_down() {
        assert_eq!(walk("xx", 2), "unknown down!opened");
        assert_eq!(walk("x.", 2), "unknown up");
    }

    #[test]
    fn a_lower_limit_takes_effect_at_the_next_failure() {
        assert_eq!(walk("xxxx", 4), "unknown unknown unknown down!opened");
        assert_eq!(walk(".", i16::MAX), "up");
    }
}
