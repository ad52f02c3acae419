//! What to do when a server does not take a connection.

use std::error::Error as _;

use tokio_postgres::{Config, Error, error::SqlState};

use crate::{
    DatabaseUrl, TlsMode,
    address::{Server, passfile},
    tls,
};

/// What is wrong, and what to do next, where more can be said than the server says.
pub(super) fn advice(url: &DatabaseUrl, server: &Server, config: &Config, error: &Error) -> Option<String> {
    if let Some(advice) = tls::advice(url, server, error) {
        return Some(advice);
    }
    let is_missing = error.source().is_some_and(|source| source.to_string() == "password missing");
    if is_missing {
        return Some(format!(
            "{server} asks for a password, and there is none: write it into the address, PGPASSWORD or {}",
            file(url)
        ));
    }
    let said = error.as_db_error()?;
    match *error.code()? {
        SqlState::INVALID_PASSWORD if url.get("password").is_none() && config.get_password().is_some() => {
            Some(format!("{server} does not take the password in {}", file(url)))
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => access(url, server, config, said.message()),
        _ => None,
    }
}

/// Where a password may be kept, and why what is there does not count.
fn file(url: &DatabaseUrl) -> String {
    let Some(path) = url.passfile() else { return "a password file (PGPASSFILE)".to_owned() };
    match passfile::fault(&path) {
        Some(fault) => format!("{} ({fault})", path.display()),
        None => path.display().to_string(),
    }
}

fn access(url: &DatabaseUrl, server: &Server, config: &Config, said: &str) -> Option<String> {
    let has_own = url.get("sslcert").is_some();
    let asks =
        said.contains("valid client certificate") || said.contains("certificate authentication failed");
    let is_another = said.contains("authentication failed for user");
    if has_own && (asks || is_another) {
        let user = config.get_user().unwrap_or("that user");
        return Some(format!(
            "{server} does not take the certificate of sslcert for {user}: its common name must be the user's, or \
             pg_ident.conf must map it"
        ));
    }
    if asks {
        return Some(format!("{server} asks for a certificate: write sslcert=file and sslkey=file"));
    }
    // How pg_hba.conf is said to have no line for a session.
    let is_plain = url.tls_mode() == TlsMode::Disable && !server.is_socket();
    (is_plain && said.contains("no encryption")).then(|| {
        format!(
            "{server} takes nobody of this name without TLS: write sslmode=require, or better verify-full"
        )
    })
}
