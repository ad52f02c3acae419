//! The client's address.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, http::header};

use crate::visits::is_a_single_client;

/// The client's address. A proxy in a private network is believed what it says of whom it speaks for: the last
/// entry of `X-Forwarded-For`, which it wrote itself.
pub(crate) fn address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
    if is_a_single_client(peer) {
        return peer;
    }
    let said = request.headers().get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let last = said.and_then(|list| list.rsplit(',').next()).map(str::trim);
    last.and_then(|last| last.parse().ok()).unwrap_or(peer)
}

/// What it says of itself.
pub(crate) fn program(request: &HttpRequest) -> &str {
    request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_proxy_may_speak_for_others() {
        let address = |peer: &str, said: &str| {
            let request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
            address(&request.insert_header(("x-forwarded-for", said)).to_http_request()).to_string()
        };
        assert_eq!(address("10.0.0.1", "198.51.100.7, 203.0.113.9"), "203.0.113.9");
        assert_eq!(address("203.0.113.1", "198.51.100.7"), "203.0.113.1");
        assert_eq!(address("127.0.0.1", "nonsense"), "127.0.0.1");
    }
}
