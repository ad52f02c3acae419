//! Whether a certificate is for a host, by libpq's rules: an alternative name, or the common name where there is no
//! alternative name of the host's kind.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use x509_cert::{
    Certificate,
    attr::AttributeTypeAndValue,
    der::{asn1, oid::db::rfc4519::CN},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// What the certificate names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
    common: Option<String>,
}

impl Names {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let about = &certificate.tbs_certificate;
        let mut names = Self::default();
        let alternative = about.get::<SubjectAltName>().ok().flatten();
        for name in alternative.iter().flat_map(|(_, names)| &names.0) {
            match name {
                GeneralName::DnsName(name) => names.dns.push(name.to_string()),
                GeneralName::IpAddress(bytes) => names.addresses.extend(address(bytes.as_bytes())),
                _ => {}
            }
        }
        let attributes = about.subject.0.iter().flat_map(|part| part.0.iter());
        // The last one is the most specific.
        names.common = attributes.filter(|one| one.oid == CN).filter_map(text).next_back();
        names
    }

    pub(super) fn are_of(&self, host: &ServerName<'_>) -> bool {
        let (written, address) = match host {
            ServerName::DnsName(name) => (name.as_ref().to_owned(), None),
            ServerName::IpAddress(address) => {
                let address = IpAddr::from(*address);
                (address.to_string(), Some(address))
            }
            _ => return false,
        };
        let has_own_kind = match address {
            Some(_) => !self.addresses.is_empty(),
            None => !self.dns.is_empty(),
        };
        let common = self.common.iter().filter(|_| !has_own_kind);
        let is_it = |pattern: &String| pattern.eq_ignore_ascii_case(&written);
        let covers_it = |pattern: &String| address.is_none() && covers(pattern, &written);
        self.dns.iter().chain(common).any(|pattern| is_it(pattern) || covers_it(pattern))
            || address.is_some_and(|address| self.addresses.contains(&address))
    }

    /// All that it is for, for people.
    pub(super) fn shown(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let all: Vec<String> = self.dns.iter().cloned().chain(addresses).collect();
        if all.is_empty() { self.common.iter().cloned().collect() } else { all }
    }
}

/// A `*.` at the start stands for one label.
fn covers(pattern: &str, host: &str) -> bool {
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((label, rest))) => !label.is_empty() && parent.eq_ignore_ascii_case(rest),
        _ => false,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let short = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    short.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    let utf8 = || value.decode_as::<asn1::Utf8StringRef<'_>>().map(|text| text.to_string());
    let printable = || value.decode_as::<asn1::PrintableStringRef<'_>>().map(|text| text.to_string());
    let ascii = || value.decode_as::<asn1::Ia5StringRef<'_>>().map(|text| text.to_string());
    let old = || value.decode_as::<asn1::TeletexStringRef<'_>>().map(|text| text.to_string());
    utf8().or_else(|_| printable()).or_else(|_| ascii()).or_else(|_| old()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> ServerName<'static> {
        ServerName::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_common_name_counts_where_nothing_of_the_hosts_kind_is_named() {
        let named = |dns: &[&str], addresses: &[&str], common: &str| Names {
            dns: dns.iter().map(|&name| name.to_owned()).collect(),
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            common: Some(common.to_owned()),
        };
        for (names, wanted, expected) in [
            (named(&[], &[], "db.example"), "DB.example", true),
            (named(&["other.example"], &[], "db.example"), "db.example", false),
            (named(&[], &["10.0.0.1"], "db.example"), "db.example", true),
            (named(&[], &[], "10.0.0.1"), "10.0.0.1", true),
            (named(&[], &["10.0.0.2"], "10.0.0.1"), "10.0.0.1", false),
            (named(&["10.0.0.1"], &[], "x"), "10.0.0.1", true),
            (named(&["*.db.example"], &[], "x"), "one.db.example", true),
            (named(&["*.db.example"], &[], "x"), "a.one.db.example", false),
            (named(&["*.db.example"], &[], "x"), "db.example", false),
            (named(&[], &["::1"], "x"), "::1", true),
            (named(&[], &[], "*.example"), "db.example", true),
        ] {
            assert_eq!(names.are_of(&host(wanted)), expected, "{names:?} {wanted}");
        }
    }
}
