//! The settings of the controller.

use std::time::Duration;

use process::Environment;

use crate::{HerokuSettings, RecycleSettings, ScaleSettings, WatchSettings};

/// Read from the environment.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RECONCILE_SECONDS`, formerly `TEND_SECONDS`: the time between two rounds of recycling and scaling.
    pub every: Duration,
    /// How processes are watched and restarted.
    pub watch: WatchSettings,
    /// When what works jobs is restarted.
    pub recycle: RecycleSettings,
    /// What is scaled, and how.
    pub scale: ScaleSettings,
    /// What lives at Heroku, if anything does.
    pub heroku: Option<HerokuSettings>,
}

impl Settings {
    /// Reads the variables. Faults stay in the environment.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            watch: WatchSettings::read(environment),
            every: every(environment),
            recycle: RecycleSettings::read(environment),
            scale: ScaleSettings::read(environment),
            heroku: HerokuSettings::read(environment),
        }
    }
}

fn every(environment: &mut Environment) -> Duration {
    let former = environment.number("TEND_SECONDS", 5, 1..=60);
    environment.about("TEND_SECONDS", "the former name of RECONCILE_SECONDS");
    let every = environment.seconds("RECONCILE_SECONDS", former, 1..=60);
    environment.about("RECONCILE_SECONDS", "how often memory, queue and instances are checked");
    every
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(pairs: &[(&str, &str)]) -> u64 {
        let mut environment: Environment = pairs.iter().copied().collect();
        let every = super::every(&mut environment);
        assert_eq!(environment.faults(), []);
        every.as_secs()
    }

    #[test]
    fn the_former_name_of_a_variable_holds_until_the_new_one_is_set() {
        assert_eq!(every(&[]), 5);
        assert_eq!(every(&[("TEND_SECONDS", "7")]), 7);
        assert_eq!(every(&[("TEND_SECONDS", "7"), ("RECONCILE_SECONDS", "9")]), 9);
    }
}
