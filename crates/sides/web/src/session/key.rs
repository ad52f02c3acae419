//! A key derived from the token.

use hmac::{Hmac, KeyInit as _, Mac as _};
use process::Secret;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What is made of the secret: it tells the secret itself, and the sessions that it opened. A new secret ends
/// every session.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of a secret.
    pub(crate) fn of(token: &Secret) -> Self {
        Self(digest(token.expose()))
    }

    /// Whether this is the token. Takes as long for any text of its length.
    pub(crate) fn is(&self, token: &str) -> bool {
        self.0.ct_eq(&digest(token)).into()
    }

    /// What tells that a session was opened with this secret, to anyone who has its cookie.
    pub(crate) fn proof(&self, cookie: &str) -> Vec<u8> {
        mac(&self.0, "session", cookie)
    }

    pub(super) fn has_opened(&self, cookie: &str, proof: &[u8]) -> bool {
        self.proof(cookie).ct_eq(proof).into()
    }
}

/// A code over a text, for one purpose only.
pub(super) fn mac(key: &[u8], purpose: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A key that nobody guesses: 32 random bytes in hex.
#[must_use]
pub fn new_secret() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.trim().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_belongs_to_its_secret_and_its_cookie() {
        let (key, other) = (Key::of(&Secret::new("one")), Key::of(&Secret::new("another")));
        let proof = key.proof("cookie");
        assert!(key.has_opened("cookie", &proof));
        assert!(!other.has_opened("cookie", &proof) && !key.has_opened("cookies", &proof));
    }
}
