//! No way into a closed network: names are resolved here, and only open addresses are handed on.
//!
//! The client connects to nothing else than what this resolver returns, so the address that was checked is the
//! address that is connected to; a name that changes its mind in between (DNS rebinding) gains nothing. Hosts
//! that are IP addresses skip a resolver: they are checked before a request and at each redirect.

use std::{io, net::SocketAddr, sync::Arc};

use egress::Egress;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver failed.
    #[error("cannot resolve the host name {host}")]
    Lookup {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The name exists and leads nowhere.
    #[error("the host name {0} has no address")]
    Empty(String),
    /// No address of it is open.
    #[error("the host name {0} leads to a private address")]
    Private(String),
}

/// The system's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Hands on the open addresses of another resolver's answer.
pub(super) struct GuardedResolver {
    pub(super) inner: Arc<dyn Resolve>,
    pub(super) egress: Arc<Egress>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let answer = self.inner.resolve(name);
        let egress = Arc::clone(&self.egress);
        Box::pin(async move {
            let found: Vec<SocketAddr> = match answer.await {
                Ok(addresses) => addresses.collect(),
                Err(source) => return Err(ResolveError::Lookup { host, source }.into()),
            };
            if found.is_empty() {
                return Err(ResolveError::Empty(host).into());
            }
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|found| egress.allows(found.ip())).collect();
            if allowed.is_empty() {
                return Err(ResolveError::Private(host).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// What the resolver says of the machine's own trouble, in few words.
#[must_use]
pub fn lookup_words(error: &io::Error) -> String {
    error.to_string().trim_start_matches("failed to lookup address information: ").to_lowercase()
}
