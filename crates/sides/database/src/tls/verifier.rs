//! Verification of the server's certificate.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{certificate::Facts, names::Names};

/// Encrypts to anyone who answers: what `sslmode=require` means.
#[derive(Debug)]
pub(super) struct AnyCertificate(pub(super) WebPkiSupportedAlgorithms);

/// Signed by one of the roots; for the host, too, where the name counts.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) inner: Arc<WebPkiServerVerifier>,
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) name_counts: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl Chain {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let facts = Facts::read(end_entity)?;
        // A server that signed its own certificate is trusted by that very one.
        if self.roots.iter().any(|root| root.as_ref() == end_entity.as_ref()) {
            facts.check_time(now)?;
        } else if facts.has_extensions() {
            // The name is looked at last: all else was well when only that is wrong.
            match self.inner.verify_server_cert(end_entity, intermediates, host, &[], now) {
                Ok(_)
                | Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => {}
                // One of an authority is no server's for webpki; what counts is that nobody else has signed it.
                Err(Error::InvalidCertificate(CertificateError::Other(_))) if facts.is_of_itself() => {
                    return Err(CertificateError::UnknownIssuer.into());
                }
                Err(other) => return Err(other),
            }
        } else {
            facts.check_time(now)?;
            let roots = self.roots.iter().filter_map(|root| Facts::read(root).ok());
            if !roots.into_iter().any(|root| root.has_signed(&facts, &self.algorithms)) {
                return Err(CertificateError::UnknownIssuer.into());
            }
        }
        let names = Names::of(&facts.0);
        if self.name_counts && !names.are_of(host) {
            let (expected, presented) = (host.to_owned(), names.shown());
            return Err(CertificateError::NotValidForNameContext { expected, presented }.into());
        }
        Ok(())
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

impl ServerCertVerifier for Chain {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates, server_name, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls12(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        tls13(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn tls12(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match Facts::read(cert) {
        Ok(old) if !old.has_extensions() => old.verify_tls12(message, dss, algorithms),
        _ => verify_tls12_signature(message, cert, dss, algorithms),
    }
}

fn tls13(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match Facts::read(cert) {
        Ok(old) if !old.has_extensions() => old.verify_tls13(message, dss, algorithms),
        _ => verify_tls13_signature(message, cert, dss, algorithms),
    }
}
