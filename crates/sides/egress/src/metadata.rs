//! Cloud metadata addresses, which hand out the credentials of the machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks in which nothing but the machine's own cloud answers.
const NETWORKS: [&str; 8] = [
    "169.254.0.0/16", // link-local: AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack
    "fe80::/10",      // the same of IPv6
    "fd00:ec2::/32",  // AWS
    "fd20:ce::/32",   // Google
    "100.100.100.200/32", // Alibaba
    "168.63.129.16/32", // Azure, a public address by its number
    "192.0.0.192/32", // Oracle
    "fd00:42::42/128", // Scaleway
];

/// Whether a cloud's metadata service answers at this address, however it is written: as IPv4 in IPv6 as well.
#[must_use]
pub fn is_metadata(address: IpAddr) -> bool {
    let plain = plain(address);
    networks().any(|network| network.contains(&plain))
}

/// Whether a range lies within such a network: then whoever named it meant it.
pub(crate) fn names_metadata(range: &IpNet) -> bool {
    networks().any(|network| network.contains(range))
}

fn networks() -> impl Iterator<Item = IpNet> {
    NETWORKS.into_iter().filter_map(|network| network.parse().ok())
}

/// The IPv4 address that an IPv6 address leads to, if it does: mapped, NAT64, 6to4, or compatible.
pub(crate) fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => carried(address).map_or(IpAddr::V6(address), IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => v4(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, 1, _, _, _, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        assert_eq!(networks().count(), NETWORKS.len());
    }

    #[test]
    fn metadata_is_seen_however_it_is_written() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::",
        ] {
            assert!(is_metadata(address.parse().unwrap()), "{address}");
        }
        for address in ["169.253.1.1", "10.0.0.1", "127.0.0.1", "::1", "fd12::1", "100.100.100.201"] {
            assert!(!is_metadata(address.parse().unwrap()), "{address}");
        }
    }
}
