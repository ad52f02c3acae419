//! What happens to a tick that was missed, or comes too soon.

use std::{fmt, str::FromStr, time::Duration};

use chrono::TimeDelta;

use crate::{quoted, span};

/// What happens to due moments that were missed, because no clock ran or Postgres was unavailable.
///
/// As text: `skip`, `latest`, `all within 2 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// They are skipped.
    Skip,
    /// The last one fires, however late.
    Latest,
    /// Those within this span before now fire, at most [`Missed::MOST`].
    AllWithin(Duration),
}

/// What happens when the last job of a schedule is not over yet. As text: `allow`, `merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Another one is enqueued.
    Allow,
    /// None is enqueued: the job that has not ended yet counts for this tick as well.
    Merge,
}

impl Missed {
    /// A moment is late up to here and missed beyond.
    pub const LATE: Duration = Duration::from_secs(5);
    /// How many missed moments fire at once. These are the newest.
    pub const MOST: usize = 1_000;
    /// The widest [`Missed::AllWithin`]. Ticks are remembered for longer than this.
    pub const WIDEST: Duration = Duration::from_secs(24 * 60 * 60);
}

/// Why a text names no policy.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{} is not a policy: give {known}", quoted(text))]
pub struct PolicyError {
    text: String,
    known: &'static str,
}

impl FromStr for Missed {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let within = |span: &str| span::read(span).ok()?.to_std().ok().filter(|span| *span <= Self::WIDEST);
        match (text, text.strip_prefix("all within ").and_then(within)) {
            ("skip", _) => Ok(Self::Skip),
            ("latest", _) => Ok(Self::Latest),
            (_, Some(span)) => Ok(Self::AllWithin(span)),
            _ => {
                let known = "skip, latest, or all within a span of at most 24 h, as in all within 2 h";
                Err(PolicyError { text: text.to_owned(), known })
            }
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::Latest => f.write_str("latest"),
            Self::AllWithin(span) => write!(f, "all within {}", span::write(delta(*span))),
        }
    }
}

impl FromStr for Overlap {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        match text {
            "allow" => Ok(Self::Allow),
            "merge" => Ok(Self::Merge),
            _ => Err(PolicyError { text: text.to_owned(), known: "allow or merge" }),
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Merge => "merge",
        })
    }
}

/// A span as the calendar's arithmetic needs it.
pub(crate) fn delta(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_shown() {
        for text in ["skip", "latest", "all within 2 h", "all within 90 s"] {
            assert_eq!(text.parse::<Missed>().unwrap().to_string(), text);
        }
        for text in ["allow", "merge"] {
            assert_eq!(text.parse::<Overlap>().unwrap().to_string(), text);
        }
        for text in ["", "all", "all within", "all within 25 h", "Latest"] {
            let error = text.parse::<Missed>().unwrap_err().to_string();
            assert!(error.contains("at most 24 h"), "{error}");
        }
        assert!("skip".parse::<Overlap>().unwrap_err().to_string().contains("allow or merge"));
    }
}
