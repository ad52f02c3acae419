//! A URL as a person types it.

use url::Url;

use crate::VARIABLE;

/// The longest address, in characters.
pub const URL_LIMIT: usize = 2000;

/// Why a text is no address that can be fetched. Its text is meant for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Nothing was given.
    #[error("Give an address such as https://example.com/health.")]
    Empty,
    /// Longer than [`URL_LIMIT`].
    #[error("The address has {0} characters; at most {URL_LIMIT} are kept. Give a shorter one.")]
    TooLong(usize),
    /// No address at all.
    #[error("This is not an address: {0}. Give one such as https://example.com/health.")]
    Shape(&'static str),
    /// Another protocol than HTTP.
    #[error("An address starts with http:// or https://, not with {0}:.")]
    Scheme(String),
    /// A user or a password in front of the host: the address is shown on pages.
    #[error(
        "The address contains a user name or a password, and addresses are shown on pages. Leave it out."
    )]
    Credentials,
    /// A private address, where those are not allowed.
    #[error(
        "{0} is a private address, and these are blocked. Whoever runs this can allow them: {VARIABLE}=true \
         allows all private addresses, {VARIABLE}=10.0.0.0/8 a range."
    )]
    Private(String),
}

/// Reads an address as a person types it. Whether it may be reached is asked of [`crate::Egress`].
///
/// # Errors
/// When it is no `http` or `https` address, is too long, or holds credentials.
pub fn parse_url(text: &str) -> Result<Url, UrlFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UrlFault::Empty);
    }
    let length = text.chars().count();
    if length > URL_LIMIT {
        return Err(UrlFault::TooLong(length));
    }
    let url = Url::parse(text).map_err(|fault| UrlFault::Shape(explain(fault)))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlFault::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::Credentials);
    }
    // Escapes may have made it longer.
    match url.as_str().chars().count() {
        length if length > URL_LIMIT => Err(UrlFault::TooLong(length)),
        _ => Ok(url),
    }
}

fn explain(fault: url::ParseError) -> &'static str {
    match fault {
        url::ParseError::RelativeUrlWithoutBase => "it does not start with http:// or https://",
        url::ParseError::EmptyHost => "the host is missing",
        url::ParseError::InvalidPort => "the port is not a number from 0 to 65535",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => {
            "the host looks like an IP address but is not one"
        }
        _ => "the host is not a valid name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_type_them() {
        assert_eq!(parse_url("  https://Example.COM/a b ").unwrap().as_str(), "https://example.com/a%20b");
        assert_eq!(parse_url("http://127.0.0.1:8080").unwrap().port(), Some(8080));
    }

    #[test]
    fn each_fault_is_named() {
        for (text, expected) in [
            ("", "Give an address"),
            ("   ", "Give an address"),
            ("example.com", "does not start with http"),
            ("https://", "host is missing"),
            ("http://h:99999/", "port is not"),
            ("http://1.2.3.999/", "is not one"),
            ("http://a b/", "not a valid name"),
            ("ftp://example.com", "not with ftp:"),
            ("javascript:alert(1)", "not with javascript:"),
            ("https://ann:pw@example.com", "password"),
            ("https://ann@example.com", "user name"),
        ] {
            let fault = parse_url(text).expect_err(text).to_string();
            assert!(fault.contains(expected), "{text}: {fault}");
        }
        let long = format!("https://example.com/{}", "a".repeat(URL_LIMIT));
        assert_eq!(parse_url(&long).unwrap_err(), UrlFault::TooLong(URL_LIMIT + 20));
        let escaped = format!("https://example.com/{}", "ä".repeat(1000));
        assert_eq!(parse_url(&escaped).unwrap_err(), UrlFault::TooLong(6020));
    }
}
