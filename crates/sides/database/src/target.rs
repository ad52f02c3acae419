//! What kind of session an address asks for: `target_session_attrs`.

/// The meaning of `target_session_attrs`, as libpq has it. Without it an address means [`Target::ReadWrite`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Whatever the first server that answers gives.
    Any,
    /// One that may write.
    ReadWrite,
    /// One that may not write.
    ReadOnly,
    /// A server that follows no other.
    Primary,
    /// A server that follows another.
    Standby,
    /// A standby where one answers, and else any.
    PreferStandby,
}

/// How a session is, as its server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) in_recovery: bool,
    pub(crate) read_only: bool,
}

impl Target {
    const ALL: [Self; 6] =
        [Self::Any, Self::ReadWrite, Self::ReadOnly, Self::Primary, Self::Standby, Self::PreferStandby];

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == text)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
            Self::Primary => "primary",
            Self::Standby => "standby",
            Self::PreferStandby => "prefer-standby",
        }
    }

    /// Why a session is not of this kind; `None` when it is.
    pub(crate) fn refusal(self, standing: Standing) -> Option<&'static str> {
        let Standing { in_recovery, read_only } = standing;
        match self {
            Self::ReadWrite if in_recovery => Some(
                "the server is a read-only standby; use the primary, or write target_session_attrs=any to read \
                 only",
            ),
            Self::ReadWrite if read_only => Some(
                "the server's sessions are read-only (default_transaction_read_only); write \
                 target_session_attrs=any to read only",
            ),
            Self::ReadOnly if !read_only && !in_recovery => Some(
                "the server's sessions can write, but target_session_attrs=read-only asks for read-only ones",
            ),
            Self::Primary if in_recovery => {
                Some("the server is a standby, and target_session_attrs=primary asks for a primary")
            }
            Self::Standby | Self::PreferStandby if !in_recovery => {
                Some("the server is a primary, and target_session_attrs asks for a standby")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_the_servers_that_libpq_takes() {
        let primary = Standing { in_recovery: false, read_only: false };
        let frozen = Standing { in_recovery: false, read_only: true };
        let standby = Standing { in_recovery: true, read_only: true };
        let takes = |target: Target| [primary, frozen, standby].map(|one| target.refusal(one).is_none());
        assert_eq!(takes(Target::Any), [true, true, true]);
        assert_eq!(takes(Target::ReadWrite), [true, false, false]);
        assert_eq!(takes(Target::ReadOnly), [false, true, true]);
        assert_eq!(takes(Target::Primary), [true, true, false]);
        assert_eq!(takes(Target::Standby), [false, false, true]);
        assert_eq!(takes(Target::PreferStandby), [false, false, true]);
    }
}
