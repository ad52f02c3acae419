//! What to do when a server and TLS do not come together.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error};

use super::root_file;
use crate::{DatabaseUrl, address::Server};

/// Whether a connection failed for TLS, and might do without.
pub(crate) fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    cause(error).is_some() || error.to_string().contains("TLS handshake")
}

/// What is wrong, and what to do next, where TLS is at fault.
pub(crate) fn advice(url: &DatabaseUrl, server: &Server, error: &tokio_postgres::Error) -> Option<String> {
    match cause(error) {
        Some(Error::InvalidCertificate(why)) => Some(certificate(url, server, why)),
        Some(Error::AlertReceived(alert)) => Some(refused(url, *alert)),
        Some(Error::PeerIncompatible(_)) => Some(format!("{server} speaks {NO_VERSION}")),
        Some(_) => None,
        None if said(error).contains("server does not support TLS") => Some(format!(
            "{server} has no TLS: set ssl = on there; where nobody else can listen, sslmode=prefer does without"
        )),
        None => None,
    }
}

const NO_VERSION: &str =
    "no version of TLS that may be used: look at ssl_min_protocol_version here and there";

const SUPPORTED: &str =
    "make a new one with a key of RSA, Ed25519, P-256 or P-384, signed with SHA-256 or SHA-384";

fn certificate(url: &DatabaseUrl, server: &Server, why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => match root_file(url) {
            Some(file) => format!(
                "the certificate of {server} is signed by nobody in {}: write sslrootcert=file with its authority's \
                 certificate",
                file.display()
            ),
            None => format!(
                "the certificate of {server} is signed by nobody whom this machine trusts: write sslrootcert=file \
                 with its authority's certificate"
            ),
        },
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the certificate of {server} is for {}: write that name as the host (hostaddr=address says where it is), \
             or sslmode=verify-ca",
            if presented.is_empty() { "no host".to_owned() } else { presented.join(", ") }
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {server} has expired: renew it there")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {server} is not valid yet: look at this machine's clock")
        }
        // There are several, each with what it met.
        other if format!("{other:?}").starts_with("UnsupportedSignatureAlgorithm") => format!(
            "the certificate of {server} is signed in a way that is not supported here, such as P-521 or ECDSA with \
             SHA-512: {SUPPORTED}"
        ),
        other => format!("the certificate of {server} cannot be used ({other}): make it a new one"),
    }
}

/// What the server thinks of us.
fn refused(url: &DatabaseUrl, alert: AlertDescription) -> String {
    let ours = match url.get("sslcert") {
        Some(file) => format!("the certificate in {file}"),
        None => "the client's certificate".to_owned(),
    };
    match alert {
        AlertDescription::UnknownCA => {
            format!("the server does not know who signed {ours}: its ssl_ca_file must hold that authority")
        }
        AlertDescription::CertificateExpired => format!("{ours} has expired: renew it"),
        AlertDescription::CertificateRevoked => format!("{ours} is revoked: get a new one"),
        AlertDescription::UnsupportedCertificate => {
            format!(
                "{ours} is not for clients: make one with extendedKeyUsage=clientAuth, or without any such limit"
            )
        }
        AlertDescription::ProtocolVersion => format!("the server speaks {NO_VERSION}"),
        AlertDescription::CertificateRequired => {
            "the server asks for a certificate: write sslcert=file and sslkey=file".to_owned()
        }
        AlertDescription::HandshakeFailure => format!(
            "the server and this program have no algorithm of TLS in common; if the server's key is of a kind that is not \
             supported here, such as P-521: {SUPPORTED}"
        ),
        other => format!("the server ended TLS ({other:?}): its log says why"),
    }
}

/// What rustls said, wherever it is wrapped.
fn cause(error: &tokio_postgres::Error) -> Option<&Error> {
    let mut next: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(one) = next {
        if let Some(found) = one.downcast_ref::<Error>() {
            return Some(found);
        }
        next = match one.downcast_ref::<std::io::Error>() {
            // What it wraps is not its source, but the source's source.
            Some(outer) => outer.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => one.source(),
        };
    }
    None
}

fn said(error: &tokio_postgres::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_supported_is_named_with_those_that_are() {
        let url = "postgres://ann@localhost/app?sslmode=require".parse().unwrap();
        let said = refused(&url, AlertDescription::HandshakeFailure);
        assert!(said.contains("P-521") && said.contains("P-384"), "{said}");
    }
}
