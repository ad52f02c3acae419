//! The servers that an address names.

use std::{net::IpAddr, path::Path};

use super::{DatabaseUrl, UrlError, uri};

const PORT: u16 = 5432;
/// Where Debian's servers have their socket, and where all others do.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    host: Option<String>,
    address: Option<IpAddr>,
    pub(crate) port: u16,
}

impl Server {
    pub(super) fn apply(&self, config: &mut tokio_postgres::Config) {
        match (&self.host, self.address) {
            (Some(host), _) => config.host(host),
            // A certificate is held against the address then.
            (None, Some(address)) => config.host(address.to_string()),
            (None, None) => config,
        };
        if let Some(address) = self.address {
            config.hostaddr(address);
        }
        config.port(self.port);
    }

    /// Whether it is reached by a socket of this machine.
    pub(crate) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.as_deref().is_some_and(|host| host.starts_with(['/', '@']))
    }

    pub(super) fn name_in_passfile(&self) -> &str {
        match &self.host {
            Some(host) if !SOCKETS.contains(&host.as_str()) => host,
            _ => "localhost",
        }
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.host, self.address) {
            (Some(host), _) => write!(f, "{host}:{}", self.port),
            (None, Some(address)) => write!(f, "{address}:{}", self.port),
            (None, None) => write!(f, "port {}", self.port),
        }
    }
}

impl DatabaseUrl {
    /// Every server, in the order of the address.
    pub(crate) fn servers(&self) -> Result<Vec<Server>, UrlError> {
        let list = |name: &str| self.get(name).map(|text| text.split(',').collect::<Vec<_>>());
        let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
        let count = hosts.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
        let ports = ports.unwrap_or_else(|| vec![""]);
        if ports.len() != 1 && ports.len() != count {
            return Err(UrlError::Ports { hosts: count, ports: ports.len() });
        }
        let no_address = |text: &str| UrlError::Value {
            name: "hostaddr",
            value: text.to_owned(),
            advice: "write an IP address for each host, or leave it out".to_owned(),
        };
        let read_address = |text: &str| text.parse::<IpAddr>().map_err(|_| no_address(text));
        if let (Some(hosts), Some(addresses)) = (&hosts, &addresses)
            && hosts.len() != addresses.len()
        {
            return Err(no_address(&addresses.join(",")));
        }
        (0..count)
            .map(|at| {
                let address = addresses.as_ref().map(|all| all[at]).filter(|one| !one.is_empty());
                let host = hosts.as_ref().map(|all| all[at]).filter(|one| !one.is_empty());
                let host = host.or(if address.is_none() { Some(default_host()) } else { None });
                let port = match ports.get(at).or(ports.first()) {
                    None | Some(&"") => PORT,
                    Some(text) => text.parse().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?,
                };
                let address = address.map(read_address).transpose()?;
                Ok(Server { host: host.map(str::to_owned), address, port })
            })
            .collect()
    }

    /// As in an address: `a:5432,b:5433`, a socket's folder with `%2F`.
    pub(super) fn shown_hosts(&self) -> String {
        let ports: Vec<&str> = self.get("port").map(|text| text.split(',').collect()).unwrap_or_default();
        let hosts = self.get("host").unwrap_or_default();
        let shown = hosts.split(',').enumerate().map(|(at, host)| {
            let host = if host.contains(':') { format!("[{host}]") } else { uri::encode(host) };
            match ports.get(at).or(ports.first().filter(|_| ports.len() == 1)) {
                None | Some(&"") => host,
                Some(port) => format!("{host}:{port}"),
            }
        });
        shown.collect::<Vec<_>>().join(",")
    }
}

fn default_host() -> &'static str {
    SOCKETS.into_iter().find(|folder| Path::new(folder).is_dir()).unwrap_or("localhost")
}
