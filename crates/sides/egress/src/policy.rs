//! Which private addresses are allowed.

use std::{
    fmt::{self, Display},
    net::IpAddr,
    str::FromStr,
};

use ipnet::IpNet;
use url::{Host, Url};

use crate::{
    UrlFault, is_metadata, is_public,
    metadata::{names_metadata, plain},
};

/// What may be reached besides public addresses.
///
/// Read from `false` (nothing), `true` (every private address, but no cloud's metadata), or a list of ranges and
/// addresses such as `10.0.0.0/8, 192.168.7.9, fd12::/16`. `true` may stand in the list. A metadata address is
/// only open when a range within its own network is in the list, such as `169.254.169.254`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    private: bool,
    ranges: Vec<IpNet>,
}

/// Why a text is not a list of ranges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "contains {0:?}, which is not true, false, an IP address or a range: give true, false or a list such as \
     10.0.0.0/8,192.168.7.9"
)]
pub struct EgressFault(String);

impl Egress {
    /// Public addresses only.
    pub const CLOSED: Self = Self { private: false, ranges: Vec::new() };

    /// Whether to connect to an address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let plain = plain(address);
        let is_named = |range: &IpNet| range.contains(&plain) || range.contains(&address);
        if is_metadata(address) {
            return self.ranges.iter().any(|range| is_named(range) && names_metadata(range));
        }
        self.private || is_public(address) || self.ranges.iter().any(is_named)
    }

    /// Refuses a host that is closed by itself: an IP address, or `localhost`. Other names are checked when they
    /// are resolved.
    ///
    /// # Errors
    /// When the host is closed.
    pub fn check_host(&self, url: &Url) -> Result<(), UrlFault> {
        let open = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_loopback = name == "localhost" || name.ends_with(".localhost");
                !is_loopback
                    || self.allows([127, 0, 0, 1].into())
                    || self.allows([0, 0, 0, 0, 0, 0, 0, 1].into())
            }
            None => false,
        };
        if open { Ok(()) } else { Err(UrlFault::Private(url.host_str().unwrap_or_default().to_owned())) }
    }
}

impl FromStr for Egress {
    type Err = EgressFault;

    fn from_str(text: &str) -> Result<Self, EgressFault> {
        let mut egress = Self::default();
        for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
            match part.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => egress.private = true,
                "false" | "0" | "no" | "off" => {}
                _ => egress.ranges.push(range(part).ok_or_else(|| EgressFault(part.to_owned()))?),
            }
        }
        Ok(egress)
    }
}

fn range(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}

impl Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.private && self.ranges.is_empty())?;
        self.ranges.iter().try_for_each(|range| write!(f, ",{range}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_url;

    fn egress(text: &str) -> Egress {
        text.parse().unwrap()
    }

    fn allows(list: &str, address: &str) -> bool {
        egress(list).allows(address.parse().unwrap())
    }

    #[test]
    fn nothing_private_is_open_by_itself() {
        for list in ["", "false", "no"] {
            assert!(!allows(list, "10.0.0.1") && !allows(list, "169.254.169.254") && allows(list, "8.8.8.8"));
        }
    }

    #[test]
    fn true_opens_all_but_metadata() {
        for list in ["true", "TRUE", "1", "true,10.0.0.0/8", "true 0.0.0.0/0 ::/0"] {
            for open in
                ["10.0.0.1", "127.0.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::1", "::ffff:10.0.0.1"]
            {
                assert!(allows(list, open), "{list}: {open}");
            }
            for shut in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"] {
                assert!(!allows(list, shut), "{list}: {shut}");
            }
        }
    }

    #[test]
    fn ranges_open_themselves_only() {
        let list = "10.0.0.0/8, 192.168.7.9";
        assert!(allows(list, "10.255.0.1") && allows(list, "192.168.7.9") && allows(list, "::ffff:10.0.0.1"));
        assert!(
            !allows(list, "192.168.7.8") && !allows(list, "127.0.0.1") && !allows(list, "169.254.169.254")
        );
    }

    #[test]
    fn metadata_is_open_when_it_is_named() {
        assert!(allows("169.254.169.254", "169.254.169.254") && !allows("169.254.169.254", "169.254.170.2"));
        assert!(allows("true,169.254.0.0/16", "169.254.170.2"));
        assert!(allows("fd00:ec2::254", "fd00:ec2::254"));
        // A wide range means a network, not what a cloud hides in it.
        assert!(!allows("100.64.0.0/10", "100.100.100.200") && !allows("fc00::/7", "fd00:ec2::254"));
    }

    #[test]
    fn what_is_no_range_is_named() {
        for text in ["10.0.0.0/33", "10.0.0", "intranet", "10.0.0.0/8;192.168.0.0/16"] {
            let fault = text.parse::<Egress>().unwrap_err().to_string();
            assert!(fault.contains("10.0.0.0/8,192.168.7.9"), "{fault}");
        }
    }

    #[test]
    fn a_private_host_is_refused_however_it_is_written() {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://db.localhost/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            let url = parse_url(text).unwrap();
            assert!(Egress::default().check_host(&url).is_err(), "{text}");
            let is_metadata = text.contains("169.254");
            assert_eq!(egress("true").check_host(&url).is_err(), is_metadata, "{text}");
        }
        for text in ["http://93.184.216.34/", "https://localhost.example/"] {
            assert_eq!(Egress::default().check_host(&parse_url(text).unwrap()), Ok(()), "{text}");
        }
        let local = parse_url("http://localhost:8080/").unwrap();
        assert!(
            egress("127.0.0.0/8").check_host(&local).is_ok()
                && egress("10.0.0.0/8").check_host(&local).is_err()
        );
    }
}
