//! The limits of scaling: how many instances, and how fast the number may change.

use std::{str::FromStr, time::Duration};

use serde::Serialize;

/// The numbers that the decision is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The minimum number of instances.
    pub min: u32,
    /// The maximum.
    pub max: u32,
    /// A job that waits longer than this causes scaling up.
    pub delay: Duration,
    /// Requests that take longer than this cause scaling up.
    pub latency: Duration,
    /// The shortest time from a change to scaling up.
    pub up_pause: Duration,
    /// How long the load must be low before scaling down.
    pub calm: Duration,
    /// The shortest time from a change to scaling down.
    pub down_pause: Duration,
    /// How long a number set by a person is kept.
    pub hold: Duration,
    /// The largest number of changes within an hour.
    pub per_hour: u32,
}

/// Why a text is not a range of instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError(String);

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not a range of instances; write minimum and maximum, as in 1-4", self.0)
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Between these numbers of instances; everything else has its default.
    #[must_use]
    pub fn between(min: u32, max: u32) -> Self {
        Self {
            min,
            max: max.max(min),
            delay: Duration::from_secs(10),
            latency: Duration::from_millis(500),
            up_pause: Duration::from_secs(20),
            calm: Duration::from_secs(120),
            down_pause: Duration::from_secs(60),
            hold: Duration::from_secs(15 * 60),
            per_hour: 20,
        }
    }
}

/// `1-4`
impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let fault = || PolicyError(text.to_owned());
        let (min, max) = text.split_once('-').ok_or_else(fault)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| fault());
        let (min, max) = (number(min)?, number(max)?);
        if min == 0 || min > max || max > 64 { Err(fault()) } else { Ok(Self::between(min, max)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_numbers_in_their_order() {
        let policy: Policy = "1-4".parse().unwrap();
        assert_eq!((policy.min, policy.max), (1, 4));
        for faulty in ["", "4", "4-1", "0-2", "1-65", "a-b"] {
            let error = faulty.parse::<Policy>().unwrap_err().to_string();
            assert!(error.contains(&format!("{faulty:?}")) && error.contains("as in 1-4"), "{error}");
        }
    }
}
