//! Whether, and how far, a server is held to TLS.

use tokio_postgres::config::SslMode;

/// The meaning of `sslmode`, as libpq has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Only when the server takes nothing else; the certificate is not checked.
    Allow,
    /// When the server offers it, and it works; the certificate is not checked.
    Prefer,
    /// Always. The certificate is checked as by `verify-ca` where there is a root certificate to check it by, and else
    /// not (managed Postgres often signs its own).
    Require,
    /// Always; the certificate must be signed by the root certificate.
    VerifyCa,
    /// Always; the certificate must be valid for the host, too.
    VerifyFull,
}

impl TlsMode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// How a server is asked, one after the other, until it takes one: as libpq does.
    pub(crate) const fn tries(self) -> &'static [SslMode] {
        match self {
            Self::Disable => &[SslMode::Disable],
            Self::Allow => &[SslMode::Disable, SslMode::Require],
            Self::Prefer => &[SslMode::Prefer, SslMode::Disable],
            Self::Require | Self::VerifyCa | Self::VerifyFull => &[SslMode::Require],
        }
    }
}
