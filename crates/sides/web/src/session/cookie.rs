//! The session as a cookie: when it ends, a random part, and our signature of both.

use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieDuration};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;

use super::Key;

const LIFE: TimeDelta = TimeDelta::days(30);
const PURPOSE: &str = "session";

/// The cookie of a session that begins now.
pub(crate) fn opened(name: &'static str, key: &Key, now: DateTime<Utc>, secure: bool) -> Cookie<'static> {
    let nonce = hex::encode(rand::rng().random::<[u8; 16]>());
    let text = format!("{}.{nonce}", (now + LIFE).timestamp());
    let value = format!("{text}.{}", key.sign(PURPOSE, &text));
    cookie(name, value, secure, CookieDuration::seconds(LIFE.num_seconds()))
}

/// The cookie that removes the session's.
pub(crate) fn ended(name: &'static str) -> Cookie<'static> {
    cookie(name, String::new(), false, CookieDuration::ZERO)
}

/// Whether a cookie's value is a session of ours that has not ended.
pub(super) fn is_valid(key: &Key, value: &str, now: DateTime<Utc>) -> bool {
    let Some((text, signature)) = value.rsplit_once('.') else { return false };
    let end = text.split('.').next().and_then(|end| end.parse::<i64>().ok());
    key.has_signed(PURPOSE, text, signature) && end.is_some_and(|end| now.timestamp() < end)
}

fn cookie(name: &'static str, value: String, secure: bool, life: CookieDuration) -> Cookie<'static> {
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
    use process::Secret;

    use super::*;

    #[test]
    fn holds_for_its_key_and_its_time_only() {
        let key = Key::of(&Secret::new("only-for-this-test"));
        let now = Utc::now();
        let value = opened("session", &key, now, true).value().to_owned();
        assert!(is_valid(&key, &value, now));
        assert!(!is_valid(&key, &value, now + TimeDelta::days(31)));
        assert!(!is_valid(&Key::of(&Secret::new("another-token-altogether")), &value, now));
        let (_, rest) = value.split_once('.').unwrap();
        assert!(!is_valid(&key, &format!("9{}.{rest}", now.timestamp()), now));
        for nonsense in ["", ".", "9999999999", "9999999999.."] {
            assert!(!is_valid(&key, nonsense, now), "{nonsense}");
        }
    }
}
