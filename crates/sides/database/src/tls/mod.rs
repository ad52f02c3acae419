//! TLS to the database, in the modes that `sslmode` names, with the files that libpq would read.

mod advice;
mod certificate;
mod files;
mod mode;
mod names;
mod verifier;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::DatabaseUrl;
pub(crate) use advice::{advice, is_of_tls};
use certificate::Facts;
use files::{certificates, fault, key, of_home, roots};
pub use mode::TlsMode;
use verifier::{AnyCertificate, Chain};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("rustls refuses it")]
    Rustls(#[from] rustls::Error),
    #[error("cannot use the root certificates")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    #[error("cannot read {name}={}: {why}", path.display())]
    File { name: &'static str, path: PathBuf, why: String },
    #[error(
        "sslmode=verify-ca needs a root certificate: write sslrootcert=file, or sslmode=verify-full to trust \
         this machine's root certificates"
    )]
    NoRoot,
    #[error("sslcert and sslkey belong together: give both or neither")]
    HalfAPair,
    #[error("ssl_min_protocol_version and ssl_max_protocol_version leave no TLS version")]
    NoVersion,
}

/// A connector for an address, with its files read again: a renewed certificate counts from the next connection on.
pub(crate) fn connector(url: &DatabaseUrl) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let versions = versions(url);
    if versions.is_empty() {
        return Err(TlsError::NoVersion);
    }
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(&versions)?;
    let algorithms = provider.signature_verification_algorithms;
    let any = || -> Arc<dyn ServerCertVerifier> { Arc::new(AnyCertificate(algorithms)) };
    let chain = |root: PathBuf, name_counts| -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let (store, certificates) = roots(&root)?;
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build()?;
        Ok(Arc::new(Chain { inner, roots: certificates, name_counts, algorithms }))
    };
    let mode = url.tls_mode();
    let verifier = match (mode, root_file(url)) {
        (TlsMode::Disable | TlsMode::Allow | TlsMode::Prefer, _) | (TlsMode::Require, None) => Some(any()),
        (TlsMode::Require | TlsMode::VerifyCa, Some(root)) => Some(chain(root, false)?),
        (TlsMode::VerifyCa, None) => return Err(TlsError::NoRoot),
        (TlsMode::VerifyFull, Some(root)) => Some(chain(root, true)?),
        (TlsMode::VerifyFull, None) => None,
    };
    let builder = match verifier {
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
        None => builder.with_platform_verifier()?,
    };
    let mut config = match client_files(url, mode)? {
        Some((certificate, key_file)) => {
            let own = identity(&certificate, &key_file, &provider)?;
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = url.get("sslsni") != Some("0");
    if url.get("sslnegotiation") == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

/// What a client shows of itself. Its certificate may be one without extensions, which rustls does not read.
fn identity(
    certificate: &Path,
    key_file: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates("sslcert", certificate)?;
    let loaded = provider.key_provider.load_private_key(key(key_file)?);
    let key = loaded.map_err(|_| fault("sslkey", key_file, KEYS))?;
    let first = Facts::read(&chain[0]).and_then(|facts| facts.public_key());
    let stated = first.map_err(|error| fault("sslcert", certificate, error))?;
    if key.public_key().is_some_and(|own| own != stated) {
        let why = format!("it is not the key of sslcert={}", certificate.display());
        return Err(fault("sslkey", key_file, why));
    }
    Ok(CertifiedKey::new(chain, key))
}

const KEYS: &str = "it is of a kind that is not supported here: use RSA of 2048 bits or more, EC P-256, EC P-384 or \
                    Ed25519";

/// For a server that is asked without TLS: it trusts nobody.
pub(crate) fn none() -> Result<MakeRustlsConnect, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(MakeRustlsConnect::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

fn versions(url: &DatabaseUrl) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = vec![&TLS13, &TLS12];
    if url.get("ssl_min_protocol_version") == Some("TLSv1.3") {
        versions.retain(|version| **version == TLS13);
    }
    if url.get("ssl_max_protocol_version") == Some("TLSv1.2") {
        versions.retain(|version| **version == TLS12);
    }
    versions
}

/// `sslrootcert`, or libpq's default where that is; none means this machine's own roots.
pub(super) fn root_file(url: &DatabaseUrl) -> Option<PathBuf> {
    match url.get("sslrootcert") {
        Some("system") => None,
        Some(path) => Some(path.into()),
        None => of_home("root.crt"),
    }
}

/// `sslcert` and `sslkey`, or libpq's defaults where they are.
fn client_files(url: &DatabaseUrl, mode: TlsMode) -> Result<Option<(PathBuf, PathBuf)>, TlsError> {
    if mode == TlsMode::Disable {
        return Ok(None);
    }
    let file = |name: &str, default: &str| url.get(name).map(PathBuf::from).or_else(|| of_home(default));
    match (file("sslcert", "postgresql.crt"), file("sslkey", "postgresql.key")) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        // One that lies around by itself was not asked for.
        _ if url.get("sslcert").or(url.get("sslkey")).is_none() => Ok(None),
        _ => Err(TlsError::HalfAPair),
    }
}
