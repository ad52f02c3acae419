//! The programs that may be missing.

/// A set of programs that is needed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Postgres' server programs: `initdb`, `postgres`.
    Postgres,
    /// Chromium and its WebDriver, for tests of pages.
    Browser,
    /// PgBouncer, for tests of what works behind a pooler.
    Pooler,
    /// jq, which the deployment pipeline calls.
    Jq,
    /// Python, for tests of processes in another language.
    Python,
}

impl Need {
    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Browser => "Chromium with ChromeDriver",
            Self::Pooler => "PgBouncer",
            Self::Jq => "jq",
            Self::Python => "Python 3",
        }
    }

    /// All there are.
    pub(crate) const ALL: [Self; 5] = [Self::Postgres, Self::Browser, Self::Pooler, Self::Jq, Self::Python];

    /// The folder in the cache that holds it where it was unpacked.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Browser => "browser",
            Self::Pooler => "pgbouncer",
            Self::Jq => "jq",
            Self::Python => "python",
        }
    }
}
