//! What may be missing.

use crate::found;

/// A set of programs that is needed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Postgres' server programs: `initdb`, `postgres`.
    Postgres,
    /// Chromium and its WebDriver, for tests of pages.
    Browser,
}

impl Need {
    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Browser => "Chromium and ChromeDriver",
        }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_met(self) -> bool {
        match self {
            Self::Postgres => !found::installations().is_empty(),
            Self::Browser => found::browser().is_some(),
        }
    }

    /// The folder in the cache that holds it where it was unpacked.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Browser => "browser",
        }
    }
}
