//! Whether programs may be installed.

use std::env;

/// Whether installing was agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has said anything: a person at a terminal is asked.
    Ask,
    /// Yes.
    Given,
    /// Yes, and what is done was said already; see [`ask`](crate::ask).
    Told,
    /// No: what is missing is an error.
    Refused,
}

impl Consent {
    /// What `SIDES_NO_INSTALL` and two flags say; a refusal weighs more.
    #[must_use]
    pub fn of(yes: bool, no: bool) -> Self {
        if no || env::var_os("SIDES_NO_INSTALL").is_some_and(|value| !value.is_empty() && value != "0") {
            Self::Refused
        } else if yes {
            Self::Given
        } else {
            Self::Ask
        }
    }
}
