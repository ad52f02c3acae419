//! The HTTP clients: one set of rules, three uses.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder, dns::Resolve, redirect::Policy};

use super::{
    guard::{GuardedResolver, SystemResolver, redirects},
    tls,
};

/// Who asks.
const USER_AGENT: &str = concat!("sides/", env!("CARGO_PKG_VERSION"), " (status monitor)");
/// How long to wait for a connection; the whole fetch has a limit of its own.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The rest.
    #[error("the HTTP client cannot be set up")]
    Client(#[from] reqwest::Error),
}

/// Makes the clients that fetch and notify.
#[derive(Clone)]
pub struct Clients {
    tls: rustls::ClientConfig,
    resolver: Arc<dyn Resolve>,
    allow_private_addresses: bool,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let private = self.allow_private_addresses;
        f.debug_struct("Clients").field("allow_private_addresses", &private).finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients that ask the system for names and trust its authorities.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(allow_private_addresses: bool) -> Result<Self, ClientError> {
        Ok(Self { tls: tls::config()?, resolver: Arc::new(SystemResolver), allow_private_addresses })
    }

    /// The same with another resolver. What it answers is checked like any other answer.
    #[must_use]
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    pub(crate) fn allow_private_addresses(&self) -> bool {
        self.allow_private_addresses
    }

    /// For services: follows redirects, each one checked.
    pub(super) fn following(&self) -> Result<Client, ClientError> {
        self.guarded(redirects(self.allow_private_addresses))
    }

    /// For webhooks: a notification goes where it was meant to go, or nowhere.
    pub(crate) fn straight(&self) -> Result<Client, ClientError> {
        self.guarded(Policy::none())
    }

    /// For the application's own processes, which lie in the private network.
    pub(super) fn own(&self) -> Result<Client, ClientError> {
        Ok(self.plain().redirect(Policy::none()).build()?)
    }

    fn guarded(&self, redirects: Policy) -> Result<Client, ClientError> {
        let resolver = GuardedResolver {
            inner: Arc::clone(&self.resolver),
            allow_private_addresses: self.allow_private_addresses,
        };
        Ok(self.plain().redirect(redirects).dns_resolver(Arc::new(resolver)).build()?)
    }

    /// No proxy from the environment: it would resolve names behind the guard's back. No retries of its own:
    /// a ping says what happened once. No connection is kept.
    fn plain(&self) -> ClientBuilder {
        Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
    }
}
