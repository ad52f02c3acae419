//! The address of a database, which is also a secret.

use std::{fmt, str::FromStr};

use crate::tls::TlsMode;

/// A validated `postgres://` address. `Debug` and `Display` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: ::url::Url,
    tls: TlsMode,
}

/// Why a text is not a database address.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// Not of the form `postgres://user:password@host:port/database`.
    #[error("is not an address like postgres://user:password@host:5432/database")]
    Shape,
    /// The path names no database.
    #[error("names no database: add /name behind the host")]
    NoDatabase,
    /// A value of `sslmode` that is not known here.
    #[error("has sslmode={0}; known are disable, prefer, require, verify-full")]
    TlsMode(String),
    /// The Postgres client refuses it.
    #[error("is refused by the Postgres client")]
    Client(#[source] tokio_postgres::Error),
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let mut url = ::url::Url::parse(text.trim()).map_err(|_| UrlError::Shape)?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(UrlError::Shape);
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(UrlError::NoDatabase);
        }
        let mut tls = TlsMode::Prefer;
        let mut kept = Vec::new();
        for (key, value) in url.query_pairs() {
            if key == "sslmode" {
                tls = TlsMode::parse(&value).ok_or_else(|| UrlError::TlsMode(value.to_string()))?;
            } else {
                kept.push((key.to_string(), value.to_string()));
            }
        }
        set_query(&mut url, &kept);
        let parsed = Self { url, tls };
        parsed.client_config().map_err(UrlError::Client)?;
        Ok(parsed)
    }
}

impl DatabaseUrl {
    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        self.url.path().trim_matches('/')
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.url.set_path(&format!("/{name}"));
        other
    }

    /// The same address, with every session acting as `role` from its first statement on.
    ///
    /// The user of the address must be a member of the role.
    #[must_use]
    pub fn with_role(&self, role: &str) -> Self {
        self.with_option(&format!("-c role={role}"))
    }

    /// The same address, with the name that `pg_stat_activity` shows.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        let mut other = self.clone();
        let mut pairs = other.pairs();
        pairs.retain(|(key, _)| key != "application_name");
        pairs.push(("application_name".to_owned(), name.to_owned()));
        set_query(&mut other.url, &pairs);
        other
    }

    /// The whole address, password included: for a child's environment, never for a log.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut url = self.url.clone();
        if self.tls != TlsMode::Prefer {
            url.query_pairs_mut().append_pair("sslmode", self.tls.name());
        }
        url.to_string().replace('+', "%20")
    }

    pub(crate) fn tls(&self) -> TlsMode {
        self.tls
    }

    pub(crate) fn client_config(&self) -> Result<tokio_postgres::Config, tokio_postgres::Error> {
        // The client reads `+` in a query literally, so spaces must be %20.
        let mut config: tokio_postgres::Config = self.url.as_str().replace('+', "%20").parse()?;
        config.ssl_mode(self.tls.client_mode());
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(5));
        }
        Ok(config)
    }

    fn with_option(&self, option: &str) -> Self {
        let mut other = self.clone();
        let mut pairs = other.pairs();
        match pairs.iter_mut().find(|(key, _)| key == "options") {
            Some((_, value)) => *value = format!("{value} {option}"),
            None => pairs.push(("options".to_owned(), option.to_owned())),
        }
        set_query(&mut other.url, &pairs);
        other
    }

    fn pairs(&self) -> Vec<(String, String)> {
        self.url.query_pairs().into_owned().collect()
    }
}

fn set_query(url: &mut ::url::Url, pairs: &[(String, String)]) {
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        if shown.password().is_some() && shown.set_password(Some("***")).is_err() {
            return f.write_str("postgres://(hidden)");
        }
        shown.set_query(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn the_password_is_never_shown() {
        let shown = format!("{0} {0:?}", url("postgres://ann:s3cret@db.example/app?password=s3cret"));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("ann") && shown.contains("db.example"), "{shown}");
    }

    #[test]
    fn a_role_is_set_beside_other_options() {
        let url = url("postgres://ann@h/app?options=-c%20statement_timeout%3D5s").with_role("sides_clock");
        let config = url.client_config().unwrap();
        assert_eq!(config.get_options(), Some("-c statement_timeout=5s -c role=sides_clock"));
        let again: DatabaseUrl = url.expose().parse().unwrap();
        assert_eq!(again, url);
    }

    #[test]
    fn a_socket_folder_is_an_address_too() {
        let url = url("postgres://ann@localhost/app?host=/run/postgres");
        assert_eq!(url.database(), "app");
        assert_eq!(url.with_database("other").database(), "other");
    }

    #[test]
    fn each_fault_is_named() {
        for (text, expected) in [
            ("mysql://h/app", "is not an address"),
            ("postgres://h", "names no database"),
            ("postgres://h/app?sslmode=maybe", "sslmode=maybe"),
            ("postgres://h:99999/app", "is not an address"),
        ] {
            let error = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
