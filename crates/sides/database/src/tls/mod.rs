//! TLS to the database, in the modes that `sslmode` names, with the files that libpq would read.

mod files;
mod verifier;

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, SupportedProtocolVersion,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::DatabaseUrl;
use files::{certificates, key, of_home, roots};
use verifier::{AnyCertificate, Chain};

/// The meaning of `sslmode`, as libpq has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// When the server offers it; the certificate is not checked. `allow` is taken for it.
    Prefer,
    /// Always. The certificate is checked as by `verify-ca` where there is a root certificate to check it by, and else
    /// not (managed Postgres often signs its own).
    Require,
    /// Always; the certificate must be signed by the root certificate.
    VerifyCa,
    /// Always; the certificate must be valid for the host, too.
    VerifyFull,
}

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

impl TlsMode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    pub(crate) fn client_mode(self) -> tokio_postgres::config::SslMode {
        match self {
            Self::Disable => tokio_postgres::config::SslMode::Disable,
            Self::Prefer => tokio_postgres::config::SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => tokio_postgres::config::SslMode::Require,
        }
    }
}

/// A connector for an address, with its files read again: a renewed certificate counts from the next connection on.
pub(crate) fn connector(url: &DatabaseUrl) -> Result<MakeRustlsConnect, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let versions = versions(url);
    if versions.is_empty() {
        return Err(TlsError::NoVersion);
    }
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(&versions)?;
    let any = || -> Arc<dyn ServerCertVerifier> { Arc::new(AnyCertificate(provider.clone())) };
    let chain = |root: PathBuf, name_counts| -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
        let (store, certificates) = roots(&root)?;
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build()?;
        Ok(Arc::new(Chain { inner, roots: certificates, name_counts }))
    };
    let mode = url.tls_mode();
    let verifier = match (mode, root_file(url)) {
        (TlsMode::Disable | TlsMode::Prefer, _) | (TlsMode::Require, None) => Some(any()),
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
            builder.with_client_auth_cert(certificates("sslcert", &certificate)?, key(&key_file)?)?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = url.get("sslsni") != Some("0");
    if url.get("sslnegotiation") == Some("direct") {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
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
fn root_file(url: &DatabaseUrl) -> Option<PathBuf> {
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
