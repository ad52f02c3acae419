//! What web reads from its environment.

use std::net::{IpAddr, Ipv4Addr};

use process::{Environment, Secret};

/// The shortest token that is not guessed within a lifetime.
const TOKEN_MINIMUM: usize = 16;

/// Web's own settings, each named by its variable.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// `HOST`: loopback unless told otherwise.
    pub(crate) host: IpAddr,
    /// `PORT`
    pub(crate) port: u16,
    /// `WEB_WORKERS`: threads that answer requests.
    pub(crate) workers: usize,
    /// `ADMIN_TOKEN`: without it, nothing can be changed.
    pub(crate) admin_token: Option<Secret>,
    /// Whether `LISTEN_FD` is set: others hold the listening socket too.
    pub(crate) shares_its_socket: bool,
    /// `ALLOW_PRIVATE_ADDRESSES`: whether services and webhooks may lie in a private network.
    pub(crate) allow_private_addresses: bool,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let host = environment.parsed("HOST", IpAddr::V4(Ipv4Addr::LOCALHOST));
        environment.about("HOST", "where the pages and the API answer; 0.0.0.0 for everybody");
        let port = environment.number("PORT", 3000, 0..=65535);
        environment.about("PORT", "their port; 0 for any free one");
        let workers = environment.number("WEB_WORKERS", 2, 1..=64);
        environment.about("WEB_WORKERS", "threads that answer requests");
        let admin_token = environment.secret("ADMIN_TOKEN");
        environment.about("ADMIN_TOKEN", "signs people and API clients in; unset, nothing can be changed");
        if let Some(token) = &admin_token
            && token.expose().chars().count() < TOKEN_MINIMUM
        {
            environment.fault(
                "ADMIN_TOKEN",
                format!("has fewer than {TOKEN_MINIMUM} characters; make one with: openssl rand -hex 24"),
            );
        }
        let allow_private_addresses = environment.flag("ALLOW_PRIVATE_ADDRESSES", false);
        environment.about(
            "ALLOW_PRIVATE_ADDRESSES",
            "whether services and webhooks may lie in a private network; the worker has it too",
        );
        let shares_its_socket = environment.optional("LISTEN_FD").is_some();
        Self { host, port, workers, admin_token, shares_its_socket, allow_private_addresses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_a_default_and_nothing_listens_beyond_loopback() {
        let mut environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let config = Config::read(&mut environment);
        assert_eq!(environment.faults(), []);
        assert!(config.host.is_loopback() && !config.allow_private_addresses);
        assert!(config.admin_token.is_none());
    }

    #[test]
    fn a_short_token_is_refused_without_being_shown() {
        let mut environment: Environment = [("ADMIN_TOKEN", "hunter2")].into_iter().collect();
        Config::read(&mut environment);
        let fault = environment.faults()[0].to_string();
        assert!(fault.starts_with("ADMIN_TOKEN has fewer") && !fault.contains("hunter2"), "{fault}");
    }
}
