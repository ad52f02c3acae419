//! A release, as one short name.
//!
//! It covers what decides how a process behaves and comes from the checkout: the program's bytes and the words it is
//! started with (`Procfile.<name>`). The bytes hold the rest: assets and schemas are compiled in, and another compiler,
//! profile or dependency that makes a difference makes other bytes. Not covered are the environment, which belongs to
//! the machine, and the migrations, which are steps of their own.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 in hex. Two builds with the same one are the same release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(String);

impl Digest {
    /// The digest of a program that is started with these words.
    pub fn of(file: &Path, words: &[&str]) -> io::Result<Self> {
        let (mut file, mut hasher) = (File::open(file)?, Sha256::new());
        for word in words {
            hasher.update(word.len().to_le_bytes());
            hasher.update(word);
        }
        hasher.update(u64::MAX.to_le_bytes());
        let mut chunk = vec![0; 1 << 20];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(Self(hex::encode(hasher.finalize()))),
                read => hasher.update(&chunk[..read]),
            }
        }
    }

    /// One that came from a request or a file: 64 hex digits, so that it can be a folder's name.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (text.len() == 64 && is_hex).then(|| Self(text.to_owned()))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As much of it as people compare.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(platform::place::told(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_is_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let digest = Digest::of(file.path(), &["web"]).unwrap();
        assert_eq!(Digest::parse(digest.as_str()), Some(digest.clone()));
        assert_eq!(digest.to_string(), digest.as_str()[..12]);
        for other in ["", "..", &"../".repeat(22)[..64], &"E".repeat(64)] {
            assert_eq!(Digest::parse(other), None, "{other}");
        }
    }

    #[test]
    fn bytes_and_words_both_count() {
        let file = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            file
        };
        let (one, other) = (file("one"), file("other"));
        let digest = |file: &tempfile::NamedTempFile, words: &[&str]| Digest::of(file.path(), words).unwrap();
        assert_eq!(digest(&one, &["web"]), digest(&file("one"), &["web"]));
        let all = [
            digest(&one, &["web"]),
            digest(&other, &["web"]),
            digest(&one, &["web", "--quick"]),
            digest(&one, &["web", "--qui", "ck"]),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
