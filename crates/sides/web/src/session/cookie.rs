//! The session as a cookie: random, and worth nothing without its row.

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration as CookieDuration},
};
use sha2::{Digest as _, Sha256};

use super::{new_secret, store};

/// What a browser keeps.
#[derive(Debug, Clone)]
pub(crate) struct SessionCookie(String);

impl SessionCookie {
    pub(crate) fn new() -> Self {
        Self(new_secret())
    }

    /// The cookie of a request, if it could be one of ours.
    pub(crate) fn of(request: &HttpRequest, name: &str) -> Option<Self> {
        let cookie = request.cookie(&secure_name(name)).or_else(|| request.cookie(name))?;
        let value = cookie.value();
        let is_ours = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_ours.then(|| Self(value.to_owned()))
    }

    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub(crate) fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    /// As it is sent to the browser.
    pub(crate) fn set(&self, name: &'static str, secure: bool) -> Cookie<'static> {
        build(name, self.0.clone(), secure, CookieDuration::seconds(store::LIFE.num_seconds()))
    }
}

/// What removes it from the browser.
pub(crate) fn removed(name: &'static str, secure: bool) -> Cookie<'static> {
    build(name, String::new(), secure, CookieDuration::ZERO)
}

/// A browser takes a cookie of this name from this host alone, over TLS alone.
fn secure_name(name: &str) -> String {
    format!("__Host-{name}")
}

fn build(name: &'static str, value: String, secure: bool, life: CookieDuration) -> Cookie<'static> {
    let name = if secure { secure_name(name) } else { name.to_owned() };
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(life)
        .finish()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_could_be_ours_is_looked_up() {
        let of = |value: String| {
            let request = TestRequest::default().cookie(Cookie::new("s", value)).to_http_request();
            SessionCookie::of(&request, "s").is_some()
        };
        assert!(of(new_secret()));
        for other in [String::new(), "x".repeat(64), "ab".repeat(31), "ab".repeat(500)] {
            assert!(!of(other.clone()), "{other}");
        }
    }

    #[test]
    fn over_tls_it_belongs_to_this_host() {
        let cookie = SessionCookie::new().set("s", true).to_string();
        assert!(cookie.starts_with("__Host-s=") && cookie.contains("Secure") && cookie.contains("Path=/"));
        assert!(SessionCookie::new().set("s", false).to_string().starts_with("s="));
    }
}
