//! Certificates and keys from files, in PEM.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
};

use super::{TlsError, certificate::Facts};

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
        Ok(all) if all.is_empty() => {
            Err(fault(name, path, "it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"))
        }
        Ok(all) => Ok(all),
        Err(error) => Err(fault(name, path, error)),
    }
}

pub(super) fn roots(path: &Path) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let all = certificates("sslrootcert", path)?;
    let mut store = RootCertStore::empty();
    let now = UnixTime::now();
    let is_out_of_time = |one| Facts::read(one).ok().and_then(|read| read.check_time(now).err());
    // webpki takes a root for good, however old it is.
    let current: Vec<_> = all.iter().filter(|one| is_out_of_time(one).is_none()).cloned().collect();
    for one in &current {
        store.add(one.clone()).map_err(|error| fault("sslrootcert", path, error))?;
    }
    match all.iter().find_map(is_out_of_time).filter(|_| current.is_empty()) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            Err(fault("sslrootcert", path, format!("{why}: get the authority's new one")))
        }
        Some(why) => Err(fault("sslrootcert", path, why)),
        None => Ok((store, current)),
    }
}

/// A key that others may read is refused, as libpq does; one of root's may be for its group.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let metadata = std::fs::metadata(path).map_err(|error| fault("sslkey", path, error))?;
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & others != 0 {
        return Err(fault("sslkey", path, "others may read it: chmod 600 it"));
    }
    let read = std::fs::read(path).map_err(|error| fault("sslkey", path, error))?;
    if !contains(&read, b"-----BEGIN ") {
        // As libpq does, which writes such files nowhere, but reads them.
        return PrivateKeyDer::try_from(read).map_err(|why| fault("sslkey", path, why));
    }
    PrivateKeyDer::from_pem_slice(&read).map_err(|error| {
        let is_encrypted = contains(&read, b"BEGIN ENCRYPTED PRIVATE KEY") || contains(&read, b",ENCRYPTED");
        match is_encrypted {
            true => fault("sslkey", path, ENCRYPTED),
            false => fault("sslkey", path, error),
        }
    })
}

const ENCRYPTED: &str = "it is encrypted, and nobody is there to type a passphrase: decrypt it (openssl pkey -in \
                         FILE -out NEW; chmod 600 NEW) and name the new file";

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

pub(super) fn fault(name: &'static str, path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError::File { name, path: path.to_owned(), why: why.to_string() }
}
