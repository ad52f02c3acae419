//! When to restart a process that has exited. A decision without a clock.

use std::time::Duration;

/// The delays between restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The pause after the first death. It doubles with every further one.
    pub first_pause: Duration,
    /// The pause never grows beyond this.
    pub longest_pause: Duration,
    /// A process that ran this long is healthy again: its next death counts as the first.
    pub steady_after: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
            steady_after: Duration::from_secs(10),
        }
    }
}

/// What to do after a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// Deaths in a row, this one included.
    pub deaths: u32,
    /// How long to wait before the next start.
    pub pause: Duration,
}

impl Restart {
    /// Whether this is worth a person's look: the process does not stay up.
    #[must_use]
    pub fn is_crash_loop(&self) -> bool {
        is_crash_loop(self.deaths)
    }
}

pub(super) fn is_crash_loop(deaths: u32) -> bool {
    deaths >= 3
}

impl Policy {
    /// Decides after a death that `deaths_before` others came before in a row, of a process that ran for `ran`.
    #[must_use]
    pub fn after_death(&self, deaths_before: u32, ran: Duration) -> Restart {
        let deaths = if ran >= self.steady_after { 1 } else { deaths_before.saturating_add(1) };
        let factor = 2_u32.checked_pow(deaths - 1).unwrap_or(u32::MAX);
        let pause = self.first_pause.checked_mul(factor).unwrap_or(self.longest_pause);
        Restart { deaths, pause: pause.min(self.longest_pause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(5);

    #[test]
    fn the_pause_doubles_up_to_its_limit() {
        let policy = Policy::default();
        let pauses: Vec<_> =
            (0..10).map(|deaths| policy.after_death(deaths, MOMENT).pause.as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]);
        assert_eq!(policy.after_death(u32::MAX, MOMENT).pause, policy.longest_pause);
    }

    #[test]
    fn a_process_that_ran_for_long_starts_from_the_beginning() {
        let policy = Policy::default();
        let restart = policy.after_death(7, policy.steady_after);
        assert_eq!(restart, Restart { deaths: 1, pause: policy.first_pause });
        assert_eq!(policy.after_death(7, policy.steady_after - MOMENT).deaths, 8);
    }

    #[test]
    fn the_third_death_in_a_row_is_a_crash_loop() {
        let policy = Policy::default();
        assert!(!policy.after_death(1, MOMENT).is_crash_loop());
        assert!(policy.after_death(2, MOMENT).is_crash_loop());
    }
}
