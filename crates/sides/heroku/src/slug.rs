//! A bundle in Heroku's format: a tar.gz with everything below `./app`.

use std::{fs::File, io, os::unix::fs::PermissionsExt as _};

use flate2::{Compression, write::GzEncoder};
use platform::place::{Bundle, told};
use sha2::{Digest as _, Sha256};

/// The bytes and their name.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    /// `SHA256:…`
    pub(crate) checksum: String,
}

/// Packs a bundle. Times and owners are left out, so that the same files are the same bytes.
///
/// Dynos source `.profile.d`: there the release says its name, and the bundle's programs are found without a path.
pub(crate) fn pack(bundle: &Bundle, release: &str) -> io::Result<Packed> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let profile = format!("export RELEASE={}\nexport PATH=\"$HOME:$PATH\"\n", told(release));
    append(&mut tar, ".profile.d/release.sh", 0o644, profile.len() as u64, profile.as_bytes())?;
    for file in &bundle.files {
        let source = File::open(&file.source)?;
        let metadata = source.metadata()?;
        let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        append(&mut tar, &file.name, mode, metadata.len(), source)?;
    }
    let bytes = tar.into_inner()?.finish()?;
    let checksum = format!("SHA256:{}", hex::encode(Sha256::digest(&bytes)));
    Ok(Packed { bytes, checksum })
}

fn append(
    tar: &mut tar::Builder<GzEncoder<Vec<u8>>>,
    name: &str,
    mode: u32,
    size: u64,
    content: impl io::Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    tar.append_data(&mut header, format!("app/{name}"), content)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use platform::place::BundleFile;

    use super::*;

    #[test]
    fn the_same_files_are_the_same_bytes_and_programs_stay_programs() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("built");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let file = BundleFile { name: "web".to_owned(), source: program.clone() };
        let bundle = Bundle { command: "./web".to_owned(), files: vec![file] };
        let first = pack(&bundle, "abc").unwrap();
        fs::write(&program, "#!/bin/sh\n").unwrap();
        assert_eq!(pack(&bundle, "abc").unwrap().checksum, first.checksum);
        assert_ne!(pack(&bundle, "abd").unwrap().checksum, first.checksum);
        let unpacked = flate2::read::GzDecoder::new(first.bytes.as_slice());
        let mut archive = tar::Archive::new(unpacked);
        let modes: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
            })
            .collect();
        assert_eq!(modes, [("app/.profile.d/release.sh".to_owned(), 0o644), ("app/web".to_owned(), 0o755)]);
    }
}
