//! The tests' own HTTP client.

use reqwest::{Client, RequestBuilder, header::CONTENT_TYPE, redirect::Policy};
use serde_json::Value;

/// Loopback alone, and no TLS: the tests' servers speak plain HTTP.
pub(crate) fn http() -> Client {
    // Only fails when one is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

pub(crate) fn post(url: &str, body: &Value) -> RequestBuilder {
    http().post(url).header(CONTENT_TYPE, "application/json").body(body.to_string())
}
