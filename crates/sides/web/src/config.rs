//! The configuration of every web server.

use std::net::{IpAddr, Ipv4Addr};

use process::{Environment, Secret};

use crate::Brand;

/// The shortest secret that is not guessed within a lifetime.
const SECRET_MINIMUM: usize = 16;

/// The server's settings, each named by its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `HOST`: loopback unless told otherwise.
    pub host: IpAddr,
    /// `PORT`
    pub port: u16,
    /// `WEB_WORKERS`: threads that answer requests.
    pub workers: usize,
    /// Signs people in. Its variable is named by [`Brand::secret_variable`]; without it, nothing can be changed.
    pub secret: Option<Secret>,
    /// Whether `LISTEN_FD` is set: others hold the listening socket too.
    pub(crate) shares_its_socket: bool,
}

impl Config {
    /// Reads the settings and notes what is wrong with them.
    pub fn read(environment: &mut Environment, brand: &Brand) -> Self {
        let host = environment.parsed("HOST", IpAddr::V4(Ipv4Addr::LOCALHOST));
        environment.about("HOST", "the address of the pages and the API; 0.0.0.0 for all interfaces");
        let port = environment.number("PORT", 3000, 0..=65535);
        environment.about("PORT", "their port; 0 for any free one");
        let workers = environment.number("WEB_WORKERS", 2, 1..=64);
        environment.about("WEB_WORKERS", "the number of threads that answer requests");
        let secret = environment.secret(brand.secret_variable);
        environment.about(
            brand.secret_variable,
            "signs in people and API clients; if unset, nothing can be changed",
        );
        if let Some(secret) = &secret
            && let Some(weakness) = weakness(secret.expose())
        {
            environment
                .fault(brand.secret_variable, format!("{weakness}; create one with: openssl rand -hex 24"));
        }
        let shares_its_socket = environment.optional("LISTEN_FD").is_some();
        Self { host, port, workers, secret, shares_its_socket }
    }
}

/// Why a secret would be guessed.
fn weakness(secret: &str) -> Option<String> {
    if secret.chars().count() < SECRET_MINIMUM {
        return Some(format!("has fewer than {SECRET_MINIMUM} characters"));
    }
    let different: std::collections::HashSet<char> = secret.chars().collect();
    (different.len() < SECRET_MINIMUM / 2)
        .then(|| format!("is easily guessed: it has only {} different characters", different.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRAND: Brand = Brand { secret_variable: "SHOP_SECRET", ..Brand::new("shop") };

    #[test]
    fn everything_has_a_default_and_nothing_listens_beyond_loopback() {
        let mut environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let config = Config::read(&mut environment, &BRAND);
        assert_eq!(environment.faults(), []);
        assert!(config.host.is_loopback() && config.secret.is_none());
    }

    #[test]
    fn a_weak_secret_is_refused_without_being_shown() {
        for weak in ["hunter2", "aaaaaaaaaaaaaaaa", "abababababababababab"] {
            let mut environment: Environment = [("SHOP_SECRET", weak)].into_iter().collect();
            Config::read(&mut environment, &BRAND);
            let fault = environment.faults()[0].to_string();
            assert!(fault.starts_with("SHOP_SECRET ") && !fault.contains(weak), "{fault}");
        }
    }
}
