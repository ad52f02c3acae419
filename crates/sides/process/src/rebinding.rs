//! On loopback the ops server answers no foreign name: a web page whose name was pointed at this machine ("DNS rebinding")
//! could otherwise read the status of a process in the browser of whoever opened the page.

use std::net::IpAddr;

use actix_web::{HttpRequest, http::header};

/// Whether this request names an address, `localhost`, or nothing, as old clients do.
pub(crate) fn names_this_machine(request: &HttpRequest) -> bool {
    match request.headers().get(header::HOST) {
        None => true,
        Some(host) => host.to_str().is_ok_and(is_own),
    }
}

fn is_own(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_and_localhost_are_own_names() {
        for own in [
            "127.0.0.1",
            "127.0.0.1:3001",
            "[::1]:3001",
            "[::1]",
            "localhost:3001",
            "LocalHost.",
            "web.localhost",
        ] {
            assert!(is_own(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:3001",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            ":3001",
        ] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }
}
