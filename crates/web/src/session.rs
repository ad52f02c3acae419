//! Who may change something: the admin token, and the cookie that stands for it.

mod cookie;
mod visitor;

use hmac::{Hmac, KeyInit as _, Mac as _};
use process::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub(crate) use cookie::{ended, opened};
use rand::RngExt as _;
pub(crate) use visitor::{Admin, Visitor};

/// What is made of the admin token: it tells the token itself, and signs what web hands out. A new token
/// ends every session.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn of(token: &Secret) -> Self {
        Self(digest(token.expose()))
    }

    /// Whether this is the token. Takes as long for any text of its length.
    pub(crate) fn is(&self, token: &str) -> bool {
        self.0.ct_eq(&digest(token)).into()
    }

    /// A signature that holds for one purpose only.
    fn sign(&self, purpose: &str, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(b"\0");
        mac.update(text.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    fn has_signed(&self, purpose: &str, text: &str, signature: &str) -> bool {
        self.sign(purpose, text).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// A key that nobody guesses: 32 random bytes in hex.
pub(crate) fn new_secret() -> String {
    hex::encode(rand::rng().random::<[u8; 32]>())
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.trim().as_bytes()).into()
}
