//! The bytes of a program, as one short name.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a program's bytes, in hex. Two builds with the same one are the same release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Digest(String);

impl Digest {
    pub(crate) fn of(file: &Path) -> io::Result<Self> {
        let (mut file, mut hasher) = (File::open(file)?, Sha256::new());
        let mut chunk = vec![0; 1 << 20];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(Self(hex::encode(hasher.finalize()))),
                read => hasher.update(&chunk[..read]),
            }
        }
    }

    /// One that came from a request or a file: 64 hex digits, so that it can be a folder's name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (text.len() == 64 && is_hex).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// As much of it as people compare.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_is_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let digest = Digest::of(file.path()).unwrap();
        assert_eq!(digest.as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(digest.as_str()), Some(digest.clone()));
        assert_eq!(digest.to_string(), "e3b0c44298fc");
        for other in ["", "..", &"../".repeat(22)[..64], &"E".repeat(64)] {
            assert_eq!(Digest::parse(other), None, "{other}");
        }
    }
}
