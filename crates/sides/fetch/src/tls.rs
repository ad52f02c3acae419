//! TLS for a monitor: the machine's certificate authorities, and every certificate checked every time.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, Error, RootCertStore, client::Resumption, crypto::ring,
    pki_types::UnixTime,
};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The client's side of TLS. A resumed session would not show its certificate again, so none is.
///
/// A machine without any authorities can still watch everything but `https`.
pub(super) fn config() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let mut config = match builder.clone().with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(
                "cannot verify https addresses: {error}; install the package ca-certificates, or set \
                 SSL_CERT_FILE to a file of certificate authorities"
            );
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What a TLS error means to someone who does not know TLS.
#[must_use]
pub fn explain(error: &Error) -> String {
    let Error::InvalidCertificate(fault) = error else {
        return match error {
            Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
            Error::AlertReceived(alert) => format!("the server refused the secure connection: {alert:?}"),
            other => format!("the secure connection failed: {other}"),
        };
    };
    match fault {
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", day(*not_after))
        }
        CertificateError::NotValidYet => "the certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is not valid before {}", day(*not_before))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another host name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the certificate is not signed by an authority this machine trusts".to_owned()
        }
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        other => format!("the certificate is not valid: {other}"),
    }
}

fn day(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .map_or_else(|| "an unknown day".to_owned(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string())
}
