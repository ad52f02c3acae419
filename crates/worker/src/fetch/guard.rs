//! No way into the private network: names are resolved here, and only public addresses are handed on.
//!
//! The client connects to nothing else than what this resolver returns, so the address that was checked is the
//! address that is connected to; a name that changes its mind in between (DNS rebinding) gains nothing. Hosts
//! that are IP addresses skip a resolver: they are checked before a request and at each redirect.

use std::{io, net::SocketAddr, sync::Arc};

use models::target::{self, UrlFault, is_public};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    #[error("the host name {host} cannot be resolved")]
    Lookup {
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the host name {0} has no address")]
    Empty(String),
    #[error("the host name {0} leads to a private address")]
    Private(String),
}

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedirectError {
    #[error("the redirects go in a circle: {0} was asked before")]
    Loop(Url),
    #[error("more than {REDIRECTS} redirects, the last one to {0}")]
    TooMany(Url),
    #[error("a redirect leads to {0}, which is no http or https address")]
    Scheme(Url),
    #[error("a redirect leads into the private network")]
    Private(#[source] UrlFault),
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

/// Hands on the public addresses of another resolver's answer.
pub(super) struct GuardedResolver {
    pub(super) inner: Arc<dyn Resolve>,
    pub(super) allow_private_addresses: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let answer = self.inner.resolve(name);
        let allow_private_addresses = self.allow_private_addresses;
        Box::pin(async move {
            let found: Vec<SocketAddr> = match answer.await {
                Ok(addresses) => addresses.collect(),
                Err(source) => return Err(ResolveError::Lookup { host, source }.into()),
            };
            if found.is_empty() {
                return Err(ResolveError::Empty(host).into());
            }
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|found| allow_private_addresses || is_public(found.ip())).collect();
            if allowed.is_empty() {
                return Err(ResolveError::Private(host).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Follows a few redirects, each to a new place that may be fetched.
pub(super) fn redirects(allow_private_addresses: bool) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        match check(attempt.url(), attempt.previous(), allow_private_addresses) {
            Ok(()) => attempt.follow(),
            Err(error) => attempt.error(error),
        }
    })
}

fn check(next: &Url, previous: &[Url], allow_private_addresses: bool) -> Result<(), RedirectError> {
    if !matches!(next.scheme(), "http" | "https") {
        return Err(RedirectError::Scheme(next.clone()));
    }
    if previous.contains(next) {
        return Err(RedirectError::Loop(next.clone()));
    }
    if previous.len() > REDIRECTS {
        return Err(RedirectError::TooMany(next.clone()));
    }
    if !allow_private_addresses {
        target::check_host(next).map_err(RedirectError::Private)?;
    }
    Ok(())
}

/// What the resolver says of the machine's own trouble, in few words.
pub(super) fn lookup_words(error: &io::Error) -> String {
    error.to_string().trim_start_matches("failed to lookup address information: ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn each_hop_is_checked() {
        let previous = [url("http://a.example/"), url("http://a.example/2")];
        let check = |next: &str| check(&url(next), &previous, false).map_err(|error| error.to_string());
        assert_eq!(check("https://b.example/"), Ok(()));
        assert!(check("http://a.example/").unwrap_err().contains("circle"));
        assert!(check("ftp://a.example/").unwrap_err().contains("no http"));
        assert!(check("http://169.254.169.254/").unwrap_err().contains("private network"));
        assert!(check("http://[::ffff:7f00:1]/").unwrap_err().contains("private network"));
        let many: Vec<Url> = (0..=REDIRECTS).map(|n| url(&format!("http://a.example/{n}"))).collect();
        assert!(super::check(&url("http://a.example/x"), &many, false).is_err());
        assert!(super::check(&url("http://a.example/x"), &many[1..], false).is_ok());
        assert!(super::check(&url("http://10.0.0.1/"), &previous, true).is_ok());
    }
}
