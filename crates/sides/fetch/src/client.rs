//! The HTTP clients, with one set of rules.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Client, ClientBuilder, dns::Resolve, redirect::Policy};

use egress::Egress;

use crate::{
    resolver::{GuardedResolver, SystemResolver},
    tls,
};

/// How long to wait for a connection; the whole fetch has a limit of its own.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The rest.
    #[error("cannot set up the HTTP client")]
    Client(#[from] reqwest::Error),
}

/// Makes the clients that fetch and notify.
#[derive(Clone)]
pub struct Clients {
    tls: rustls::ClientConfig,
    resolver: Arc<dyn Resolve>,
    egress: Arc<Egress>,
    user_agent: &'static str,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("egress", &self.egress).finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients that reach what `egress` opens, say `user_agent` of themselves, ask the system for names and trust
    /// its authorities.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(egress: Egress, user_agent: &'static str) -> Result<Self, ClientError> {
        let (tls, resolver) = (tls::config()?, Arc::new(SystemResolver));
        Ok(Self { tls, resolver, egress: Arc::new(egress), user_agent })
    }

    /// The same with another resolver. What it answers is checked like any other answer.
    #[must_use]
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// What may be reached.
    #[must_use]
    pub fn egress(&self) -> &Arc<Egress> {
        &self.egress
    }

    /// For addresses that somebody typed. It follows no redirect: [`crate::follow()`] does, and checks each.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn guarded(&self) -> Result<Client, ClientError> {
        let resolver =
            GuardedResolver { inner: Arc::clone(&self.resolver), egress: Arc::clone(&self.egress) };
        Ok(self.plain().dns_resolver(Arc::new(resolver)).build()?)
    }

    /// For addresses that nobody typed, such as the application's own processes: nothing is closed.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn unguarded(&self) -> Result<Client, ClientError> {
        Ok(self.plain().build()?)
    }

    /// No proxy from the environment: it would resolve names behind the guard's back. No retries of its own:
    /// a ping says what happened once. No connection is kept.
    fn plain(&self) -> ClientBuilder {
        Client::builder()
            .user_agent(self.user_agent)
            .redirect(Policy::none())
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
    }
}
