//! Whether to act on a need now, and which rule decides.

use std::time::Duration;

use serde::Serialize;

use crate::{Policy, Signals, need};

/// What else is going on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Circumstances {
    /// A release or a rollback is in progress.
    pub release: bool,
    /// All instances answer, and none starts or leaves.
    pub stable: bool,
    /// How long ago the last change was made, by this policy.
    pub changed: Option<Duration>,
    /// How many it made within the last hour.
    pub changes: u32,
    /// How long ago somebody else set the number.
    pub person: Option<Duration>,
    /// For how long one fewer would have done.
    pub calm: Duration,
}

/// The rule that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// No rule prevented it.
    Needed,
    /// The maximum is reached.
    Range,
    /// A release is replacing instances.
    Release,
    /// A person has set the number a short time ago.
    Person,
    /// Some instances are still starting or stopping.
    Settling,
    /// The last change has not taken effect yet.
    Cooldown,
    /// The load has not been low for long enough.
    Calm,
    /// Every instance is busy: stopping one would interrupt its work.
    Busy,
    /// There were too many changes within the hour.
    Budget,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Set the number of instances.
    Scale(u32),
    /// This many are needed, but this rule prevents the change.
    Refuse(u32),
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The rule.
    pub rule: Rule,
    /// The figures in words, and what prevents the change.
    pub reason: String,
}

/// Decides; `None` when there are as many instances as there should be. Up at once and as far as is needed, down one at
/// a time and late.
#[must_use]
pub fn decide(policy: &Policy, signals: &Signals, now: &Circumstances) -> Option<Decision> {
    let need = need(policy, signals)?;
    let to = need.instances.clamp(policy.min, policy.max);
    let is_up = need.instances > signals.instances;
    let against = against(policy, signals, now, is_up, to);
    let decision = match against {
        None => Decision { verdict: Verdict::Scale(to), rule: Rule::Needed, reason: need.reason },
        // Waiting for the calm to last is no news.
        Some((Rule::Calm, _)) => return None,
        Some((rule, why)) => {
            let reason = format!("{}; but {why}", need.reason);
            Decision { verdict: Verdict::Refuse(need.instances), rule, reason }
        }
    };
    Some(decision)
}

fn against(
    policy: &Policy,
    signals: &Signals,
    now: &Circumstances,
    is_up: bool,
    to: u32,
) -> Option<(Rule, String)> {
    let pause = if is_up { policy.up_pause } else { policy.down_pause };
    if !is_up && now.calm < policy.calm && signals.instances <= policy.max {
        return Some((Rule::Calm, String::new()));
    }
    if to == signals.instances {
        return Some((Rule::Range, format!("{} is the maximum", policy.max)));
    }
    if now.release {
        return Some((Rule::Release, "a release is in progress".to_owned()));
    }
    if let Some(ago) = now.person.filter(|ago| *ago < policy.hold) {
        let left = (policy.hold - ago).as_secs().div_ceil(60);
        return Some((
            Rule::Person,
            format!("somebody set the number, and that holds for another {left} min"),
        ));
    }
    if !now.stable {
        return Some((Rule::Settling, "some instances do not answer yet, or are still leaving".to_owned()));
    }
    if let Some(ago) = now.changed.filter(|ago| *ago < pause) {
        let ago = ago.as_secs();
        return Some((Rule::Cooldown, format!("the last change was {ago} s ago and may still help")));
    }
    if now.changes >= policy.per_hour {
        return Some((Rule::Budget, format!("there were {} changes within the hour", now.changes)));
    }
    (!is_up && signals.idle == 0)
        .then(|| (Rule::Busy, "every instance is busy, and none is interrupted".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind() -> Signals {
        Signals {
            instances: 1,
            slots: 4,
            busy: 4,
            waiting: 8,
            oldest: Duration::from_secs(30),
            ..Signals::default()
        }
    }

    fn idle() -> Signals {
        Signals { instances: 3, idle: 2, slots: 4, busy: 1, ..Signals::default() }
    }

    fn quiet() -> Circumstances {
        Circumstances { stable: true, calm: Duration::from_secs(600), ..Circumstances::default() }
    }

    fn rule(signals: &Signals, now: &Circumstances) -> Option<(Rule, Verdict)> {
        decide(&Policy::between(1, 4), signals, now).map(|decision| (decision.rule, decision.verdict))
    }

    #[test]
    fn up_at_once_down_one_at_a_time() {
        assert_eq!(rule(&behind(), &quiet()), Some((Rule::Needed, Verdict::Scale(3))));
        assert_eq!(rule(&idle(), &quiet()), Some((Rule::Needed, Verdict::Scale(2))));
        let just_now = Circumstances { calm: Duration::from_secs(60), ..quiet() };
        assert_eq!(rule(&idle(), &just_now), None);
        assert_eq!(rule(&behind(), &just_now), Some((Rule::Needed, Verdict::Scale(3))));
    }

    #[test]
    fn each_rule_refuses_and_says_what_was_needed() {
        let minute = Some(Duration::from_secs(60));
        let refused = |now: Circumstances| match rule(&behind(), &now) {
            Some((rule, Verdict::Refuse(3))) => rule,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(Circumstances { release: true, ..quiet() }), Rule::Release);
        assert_eq!(refused(Circumstances { person: minute, ..quiet() }), Rule::Person);
        assert_eq!(refused(Circumstances { stable: false, ..quiet() }), Rule::Settling);
        assert_eq!(
            refused(Circumstances { changed: Some(Duration::from_secs(5)), ..quiet() }),
            Rule::Cooldown
        );
        assert_eq!(refused(Circumstances { changes: 20, ..quiet() }), Rule::Budget);
        let old = Circumstances { person: Some(Duration::from_secs(901)), changed: minute, ..quiet() };
        assert_eq!(rule(&behind(), &old), Some((Rule::Needed, Verdict::Scale(3))));
    }

    #[test]
    fn a_busy_copy_never_leaves_and_the_range_holds() {
        let all_busy = Signals { idle: 0, ..idle() };
        assert_eq!(rule(&all_busy, &quiet()), Some((Rule::Busy, Verdict::Refuse(2))));
        let full = Signals { instances: 4, busy: 16, waiting: 40, ..behind() };
        assert_eq!(rule(&full, &quiet()), Some((Rule::Range, Verdict::Refuse(14))));
        let far = Signals { waiting: 400, ..behind() };
        assert_eq!(rule(&far, &quiet()), Some((Rule::Needed, Verdict::Scale(4))));
    }
}
