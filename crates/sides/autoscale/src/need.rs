//! How many instances the figures call for, before any rule limits it.

use crate::{Policy, Signals};

/// How full an instance may be before it counts as too few, in tenths.
const FULL: u32 = 8;

/// Another number of instances, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// So many instances.
    pub instances: u32,
    /// The figures, in words.
    pub reason: String,
}

/// What the figures ask for, within the policy's range. `None` when all is as it should be. One that asks for more
/// than the range has names the most; whoever wants fewer wants one fewer.
#[must_use]
pub fn need(policy: &Policy, signals: &Signals) -> Option<Need> {
    let now = signals.instances;
    let wish = |instances: u32, reason: String| Some(Need { instances, reason });
    if now < policy.min {
        return wish(policy.min, format!("{now} is below the minimum of {}", policy.min));
    }
    if now > policy.max {
        return wish(policy.max, format!("{now} is above the maximum of {}", policy.max));
    }
    if signals.waiting > 0 && signals.oldest > policy.delay {
        let reason = format!(
            "{} jobs wait, the oldest for {:.1} s, and {} of {} places are busy",
            signals.waiting,
            signals.oldest.as_secs_f64(),
            signals.busy,
            signals.slots * now
        );
        return wish(fitting(signals).max(now + 1), reason);
    }
    if let Some(latency) = signals.latency.filter(|latency| *latency > policy.latency) {
        let reason = format!("19 of 20 requests take up to {} ms", latency.as_millis());
        return wish(now + 1, reason);
    }
    if let Some(asked) = &signals.asked {
        return wish(now + 1, asked.clone());
    }
    if is_calm(policy, signals) {
        let reason = format!("{} of {} places are busy, nothing waits", signals.busy, signals.slots * now);
        return wish(now - 1, reason);
    }
    None
}

/// Whether one instance fewer would do.
#[must_use]
pub fn is_calm(policy: &Policy, signals: &Signals) -> bool {
    let fewer = signals.instances.saturating_sub(1);
    let is_slow = signals.latency.is_some_and(|latency| latency > policy.latency / 2);
    let fits = signals.slots == 0 || (signals.busy + signals.waiting) * 10 <= fewer * signals.slots * FULL;
    signals.instances > policy.min && signals.asked.is_none() && !is_slow && fits
}

/// So many instances run at once what runs and what waits.
fn fitting(signals: &Signals) -> u32 {
    (signals.busy + signals.waiting).div_ceil(signals.slots.max(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn workers(instances: u32, busy: u32, waiting: u32, oldest: u64) -> Signals {
        Signals {
            instances,
            busy,
            waiting,
            slots: 4,
            oldest: Duration::from_secs(oldest),
            ..Signals::default()
        }
    }

    fn instances(signals: &Signals) -> Option<u32> {
        need(&Policy::between(1, 10), signals).map(|need| need.instances)
    }

    #[test]
    fn late_jobs_ask_for_as_many_as_they_need_at_once() {
        assert_eq!(instances(&workers(1, 4, 20, 11)), Some(6));
        assert_eq!(instances(&workers(1, 4, 20, 9)), None, "they are not late yet");
        assert_eq!(instances(&workers(3, 2, 1, 11)), Some(4), "late although there is room: one more");
    }

    #[test]
    fn too_little_to_do_asks_for_one_fewer() {
        assert_eq!(instances(&workers(3, 1, 0, 0)), Some(2));
        assert_eq!(instances(&workers(3, 7, 0, 0)), None, "two instances would be nearly full");
        assert_eq!(instances(&workers(1, 0, 0, 0)), None, "one there must be");
    }

    #[test]
    fn slow_answers_wishes_and_the_range_count_too() {
        let slow = |millis| Signals {
            latency: Some(Duration::from_millis(millis)),
            instances: 2,
            ..Signals::default()
        };
        assert_eq!(
            [instances(&slow(900)), instances(&slow(400)), instances(&slow(100))],
            [Some(3), None, Some(1)]
        );
        let asked = Signals { asked: Some("web: a sale".to_owned()), instances: 2, ..Signals::default() };
        assert_eq!(instances(&asked), Some(3));
        assert_eq!(instances(&workers(0, 0, 0, 0)), Some(1));
        assert_eq!(instances(&workers(12, 48, 0, 0)), Some(10));
    }
}
