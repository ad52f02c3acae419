//! The HTTP client for our own processes.

use anyhow::Context as _;

/// Asks only loopback: no proxy, no redirect, no TLS.
pub fn loopback_client() -> anyhow::Result<reqwest::Client> {
    // Only fails when one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().context("cannot create an HTTP client")
}
