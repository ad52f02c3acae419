//! What the search checks: requirements as sets of releases.

/// A set of releases, one bit each.
pub(crate) type Releases = u128;

/// What a requirement comes to on bit sets.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    /// The release must not be live at these schema positions.
    NotAt { release: Releases, positions: Vec<bool> },
    /// While one of `when` is live (always, if empty), one of `any_of` must be.
    Needs { when: Releases, any_of: Releases },
    /// Once none of `gone` is live, one of `any_of` must be.
    Succeeds { gone: Releases, any_of: Releases },
    /// While one of `when` is live (always, if empty), none of `never` may be.
    Excludes { when: Releases, never: Releases },
}

impl Rule {
    pub(crate) fn is_broken(&self, position: usize, live: Releases) -> bool {
        match self {
            Self::NotAt { release, positions } => positions[position] && release & live != 0,
            Self::Needs { when, any_of } => (*when == 0 || when & live != 0) && any_of & live == 0,
            Self::Succeeds { gone, any_of } => gone & live == 0 && any_of & live == 0,
            Self::Excludes { when, never } => (*when == 0 || when & live != 0) && never & live != 0,
        }
    }

    /// The releases whose coming or going can break or mend it.
    pub(crate) fn touches(&self) -> Releases {
        match self {
            Self::NotAt { release, .. } => *release,
            Self::Needs { when, any_of } => when | any_of,
            Self::Succeeds { gone, any_of } => gone | any_of,
            Self::Excludes { when, never } => when | never,
        }
    }
}
