//! Certificates and keys from files, in PEM.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::TlsError;

/// A file of libpq's own folder, where it exists.
pub(super) fn of_home(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("HOME")?).join(".postgresql").join(name);
    path.is_file().then_some(path)
}

pub(super) fn certificates(
    name: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match all {
        Ok(all) if all.is_empty() => Err(fault(name, path, "it holds no certificate")),
        Ok(all) => Ok(all),
        Err(error) => Err(fault(name, path, error)),
    }
}

pub(super) fn roots(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let all = certificates("sslrootcert", path)?;
    let mut store = RootCertStore::empty();
    for one in &all {
        store.add(one.clone()).map_err(|error| fault("sslrootcert", path, error))?;
    }
    Ok((store, all))
}

/// A key that others may read is refused, as libpq does; one of root's may be for its group.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let metadata = std::fs::metadata(path).map_err(|error| fault("sslkey", path, error))?;
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & others != 0 {
        return Err(fault("sslkey", path, "others may read it: chmod 600 it"));
    }
    PrivateKeyDer::from_pem_file(path).map_err(|error| fault("sslkey", path, error))
}

fn fault(name: &'static str, path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError::File { name, path: path.to_owned(), why: why.to_string() }
}
