//! `postgres://user:password@host:port,host:port/database?parameter=value`, as libpq reads it.

use super::UrlError;

/// The parameters of an address, in their order. A later one replaces an earlier one of the same name.
pub(super) fn read(rest: &str) -> Result<Vec<(String, String)>, UrlError> {
    let mut found = Vec::new();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (Some(user), hosts),
        None => (None, authority),
    };
    let mut add = |name: &str, value: &str| -> Result<(), UrlError> {
        if !value.is_empty() {
            found.push((name.to_owned(), decode(value)?));
        }
        Ok(())
    };
    if let Some(user) = user {
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        add("user", user)?;
        add("password", password)?;
    }
    let (hosts, ports) = split_hosts(hosts)?;
    add("host", &hosts)?;
    add("port", &ports)?;
    add("dbname", database)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(UrlError::Shape)?;
        match (decode(name)?.as_str(), decode(value)?.as_str()) {
            // What JDBC writes, and libpq takes.
            ("ssl", "true") => found.push(("sslmode".to_owned(), "require".to_owned())),
            (name, value) => found.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(found)
}

/// `a:1,[::1]:2,c` as `a,::1,c` and `1,2,`; no ports at all when none is given.
fn split_hosts(text: &str) -> Result<(String, String), UrlError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for one in text.split(',') {
        let (host, port) = match one.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(UrlError::Shape)?;
                let port =
                    if rest.is_empty() { "" } else { rest.strip_prefix(':').ok_or(UrlError::Shape)? };
                (host, port)
            }
            None => one.split_once(':').unwrap_or((one, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    let ports = if ports.iter().all(|port| port.is_empty()) { String::new() } else { ports.join(",") };
    // One empty host is none; an empty one among several is this machine, as for libpq.
    Ok((hosts.join(","), ports))
}

/// `%2B` as `+`; a `+` is a `+`.
fn decode(text: &str) -> Result<String, UrlError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.as_bytes();
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |at: usize| rest.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let value = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match value {
            Some(value) if value != 0 => bytes.push(value),
            _ => return Err(UrlError::Percent),
        }
        left = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| UrlError::Percent)
}

/// The other way: whatever could mean something to a reader of addresses is written as `%2B`.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rest: &str) -> String {
        let pairs = read(rest).unwrap();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_part_is_read_as_libpq_reads_it() {
        for (text, expected) in [
            ("plus:a+b@127.0.0.1/app", "user=plus password=a+b host=127.0.0.1 dbname=app"),
            ("u:p%40%2F%2B@h/a%20b", "user=u password=p@/+ host=h dbname=a b"),
            ("u:p@ss@h/app", "user=u password=p@ss host=h dbname=app"),
            ("a:5432,b/app", "host=a,b port=5432, dbname=app"),
            ("[::1]:5433,[fe80::1]/app", "host=::1,fe80::1 port=5433, dbname=app"),
            ("%2Frun%2Fpostgres/app", "host=/run/postgres dbname=app"),
            ("/app?host=/run&user=a+b", "dbname=app host=/run user=a+b"),
            ("h?dbname=app&ssl=true", "host=h dbname=app sslmode=require"),
            ("u@h/app?options=-c%20geqo%3Doff", "user=u host=h dbname=app options=-c geqo=off"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for text in ["a+b", "100%", "ü & co", "/run/x", "a,b", "p@ss:word/?#[]"] {
            assert_eq!(decode(&encode(text)).unwrap(), text);
        }
        for text in ["%", "%4", "%zz", "%00", "%ff"] {
            assert!(matches!(decode(text), Err(UrlError::Percent)), "{text}");
        }
    }
}
