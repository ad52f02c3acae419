//! Free ports.

use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Mutex,
};

/// How many ports behind a busy one are tried.
const TRIES: u16 = 100;

/// Why no port could be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The address itself does not work: not of this machine, or not allowed.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// All that were tried are busy.
    #[error("ports {from} to {to} of {host} are all in use; choose a free one with PORT")]
    AllBusy {
        /// The address.
        host: IpAddr,
        /// The first tried.
        from: u16,
        /// The last tried.
        to: u16,
    },
}

/// Ports that were given out, so that two processes starting together never get the same.
#[derive(Debug, Default)]
pub struct Ports {
    given: Mutex<BTreeSet<u16>>,
}

impl Ports {
    /// Listens on `preferred` or the next free port after it. Port 0 takes any.
    ///
    /// # Errors
    /// When the address cannot be used at all, or too many ports are busy.
    pub fn listen(&self, host: IpAddr, preferred: u16) -> Result<TcpListener, PortError> {
        let mut given = self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut last = preferred;
        for port in candidates(preferred) {
            if port != 0 && given.contains(&port) {
                continue;
            }
            last = port;
            let address = SocketAddr::new(host, port);
            match TcpListener::bind(address).and_then(|bound| Ok((bound.local_addr()?.port(), bound))) {
                Ok((port, listener)) => {
                    given.insert(port);
                    return Ok(listener);
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(PortError::Listen(address, error)),
            }
        }
        Err(PortError::AllBusy { host, from: preferred, to: last })
    }

    /// The address of a port that is free now, for a child that listens itself.
    ///
    /// # Errors
    /// As for [`Ports::listen`].
    pub fn free(&self, host: IpAddr, preferred: u16) -> Result<SocketAddr, PortError> {
        let listener = self.listen(host, preferred)?;
        listener.local_addr().map_err(|error| PortError::Listen(SocketAddr::new(host, preferred), error))
    }

    /// Takes a port back: its holder is gone.
    pub fn give_back(&self, port: u16) {
        self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&port);
    }
}

fn candidates(preferred: u16) -> impl Iterator<Item = u16> {
    let last = if preferred == 0 { 0 } else { preferred.saturating_add(TRIES) };
    preferred..=last
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_busy_port_gives_the_next_free_one() {
        let ports = Ports::default();
        let busy = ports.listen(HOST, 0).unwrap();
        let busy_port = busy.local_addr().unwrap().port();
        let other = Ports::default().listen(HOST, busy_port).unwrap();
        let got = other.local_addr().unwrap().port();
        assert!(got > busy_port && got <= busy_port + TRIES, "{got} is not behind {busy_port}");
    }

    #[test]
    fn a_port_is_given_out_once_until_it_comes_back() {
        let ports = Ports::default();
        let first = ports.free(HOST, 0).unwrap().port();
        assert_ne!(ports.free(HOST, first).unwrap().port(), first);
        ports.give_back(first);
        assert_eq!(ports.free(HOST, first).unwrap().port(), first);
    }

    #[test]
    fn an_address_of_another_machine_is_an_error_at_once() {
        let error = Ports::default().listen("203.0.113.1".parse().unwrap(), 4000).unwrap_err();
        assert_eq!(error.to_string(), "cannot listen on 203.0.113.1:4000");
    }
}
