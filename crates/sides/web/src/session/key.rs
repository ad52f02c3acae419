//! The secret as a key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use process::Secret;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// What is made of the secret: it tells the secret itself, and signs what is handed out. A new secret
/// ends every session.
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

    /// A signature that holds for one purpose only.
    pub(super) fn sign(&self, purpose: &str, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    pub(super) fn has_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        self.sign(purpose, text).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// A key that nobody guesses: 32 random bytes in hex.
#[must_use]
pub fn new_secret() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.trim().as_bytes()).into()
}
