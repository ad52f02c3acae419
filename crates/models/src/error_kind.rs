//! Why a ping failed, as one of a fixed set of stored words.

/// Stored as [`ErrorKind::name`] in `pings.error_kind` and `incidents.error_kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The stored address is none that can be fetched.
    BadUrl,
    /// The host's name has no address.
    Dns,
    /// The host is private, and private addresses are not allowed.
    PrivateAddress,
    /// Nothing listens there.
    Refused,
    /// The host cannot be reached, or the connection broke.
    Connection,
    /// No complete answer in time.
    Timeout,
    /// No secure connection: the certificate or the protocol.
    Tls,
    /// A redirect that leads nowhere.
    Redirect,
    /// What came back is not HTTP.
    Protocol,
    /// The answer goes on beyond what is read.
    BodyTooLarge,
    /// Another status than expected.
    UnexpectedStatus,
    /// The expected text is not in the answer.
    TextMissing,
    /// The process has no running instance.
    NoInstance,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::BadUrl,
        Self::Dns,
        Self::PrivateAddress,
        Self::Refused,
        Self::Connection,
        Self::Timeout,
        Self::Tls,
        Self::Redirect,
        Self::Protocol,
        Self::BodyTooLarge,
        Self::UnexpectedStatus,
        Self::TextMissing,
        Self::NoInstance,
    ];

    /// Its fixed name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadUrl => "bad_url",
            Self::Dns => "dns",
            Self::PrivateAddress => "private_address",
            Self::Refused => "refused",
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::Protocol => "protocol",
            Self::BodyTooLarge => "body_too_large",
            Self::UnexpectedStatus => "unexpected_status",
            Self::TextMissing => "text_missing",
            Self::NoInstance => "no_instance",
        }
    }

    /// The kind of a stored name; `None` for a name that a newer build wrote.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it means, in a few words for a page. What exactly happened is stored beside it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BadUrl => "Address unusable",
            Self::Dns => "Host name not found",
            Self::PrivateAddress => "Private address refused",
            Self::Refused => "Connection refused",
            Self::Connection => "Connection failed",
            Self::Timeout => "No answer in time",
            Self::Tls => "No secure connection",
            Self::Redirect => "Redirect leads nowhere",
            Self::Protocol => "Answer is not HTTP",
            Self::BodyTooLarge => "Answer too long",
            Self::UnexpectedStatus => "Unexpected status",
            Self::TextMissing => "Expected text missing",
            Self::NoInstance => "Process not running",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own_and_leads_back() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::of(kind.name()), Some(kind));
        }
        assert_eq!(ErrorKind::of("of_tomorrow"), None);
    }
}
