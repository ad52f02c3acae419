//! What a certificate says, read for what webpki refuses to: certificates of version 1, as `openssl x509 -req` makes
//! them in Postgres' own manual, and names in the subject instead of an extension.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime},
};
use x509_cert::{
    Certificate, Version,
    der::{Decode as _, Encode as _, asn1::BitString, oid::AssociatedOid as _, referenced::OwnedToRef as _},
    ext::pkix::NameConstraints,
    spki::AlgorithmIdentifierOwned,
};

/// A certificate, read.
pub(super) struct Facts(pub(super) Certificate);

impl Facts {
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, Error> {
        let read = Certificate::from_der(der);
        read.map(Self).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
    }

    /// Whether it can have extensions. What has none is older than the names and purposes that webpki asks for.
    pub(super) fn has_extensions(&self) -> bool {
        self.0.tbs_certificate.version == Version::V3
    }

    /// Whether it names itself as its authority.
    pub(super) fn is_of_itself(&self) -> bool {
        self.0.tbs_certificate.issuer == self.0.tbs_certificate.subject
    }

    /// Whether it is valid at this time.
    pub(super) fn check_time(&self, now: UnixTime) -> Result<(), Error> {
        let validity = &self.0.tbs_certificate.validity;
        let moment = |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
        let (not_before, not_after) = (moment(validity.not_before), moment(validity.not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
        }
        Ok(())
    }

    /// Whether this authority may sign for every name, and has signed the other.
    pub(super) fn has_signed(&self, other: &Self, algorithms: &WebPkiSupportedAlgorithms) -> bool {
        let (own, signed) = (&self.0.tbs_certificate, &other.0.tbs_certificate);
        let limits = own.extensions.iter().flatten().any(|one| one.extn_id == NameConstraints::OID);
        if limits || own.subject != signed.issuer || signed.signature != other.0.signature_algorithm {
            return false;
        }
        let (Ok(message), Some(key)) =
            (signed.to_der(), own.subject_public_key_info.subject_public_key.as_bytes())
        else {
            return false;
        };
        let Some(signature) = bytes(&other.0.signature) else { return false };
        let (by, with) =
            (identifier(&own.subject_public_key_info.algorithm), identifier(&other.0.signature_algorithm));
        algorithms.all.iter().any(|one| {
            by.as_deref() == Some(one.public_key_alg_id().as_ref())
                && with.as_deref() == Some(one.signature_alg_id().as_ref())
                && one.verify_signature(key, &message, signature).is_ok()
        })
    }

    /// Whether what was said in a handshake of TLS 1.3 was signed with this certificate's key.
    pub(super) fn verify_tls13(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &self.public_key()?, signed, algorithms)
    }

    /// Whether what was said in a handshake of TLS 1.2 was signed with this certificate's key.
    pub(super) fn verify_tls12(
        &self,
        message: &[u8],
        signed: &DigitallySignedStruct,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = &self.0.tbs_certificate.subject_public_key_info;
        let (Some(bits), Some(kind)) = (key.subject_public_key.as_bytes(), identifier(&key.algorithm)) else {
            return Err(CertificateError::BadEncoding.into());
        };
        let named = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, named) = named.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let fits = named.iter().filter(|one| one.public_key_alg_id().as_ref() == kind);
        match fits.into_iter().any(|one| one.verify_signature(bits, message, signed.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(CertificateError::BadSignature.into()),
        }
    }

    pub(super) fn public_key(&self) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
        let key = self.0.tbs_certificate.subject_public_key_info.owned_to_ref().to_der();
        key.map(SubjectPublicKeyInfoDer::from).map_err(|_| CertificateError::BadEncoding.into())
    }
}

fn bytes(bits: &BitString) -> Option<&[u8]> {
    bits.as_bytes()
}

/// An algorithm with its parameters, without the tag and the length around them: as rustls compares them.
fn identifier(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let mut der = algorithm.to_der().ok()?;
    // All that are known here are shorter than what needs a longer length.
    (der.get(1)? & 0x80 == 0).then(|| der.split_off(2))
}
