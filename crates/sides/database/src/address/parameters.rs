//! What an address may say, by libpq's names; and what to write instead of anything else.

use super::UrlError;

/// A parameter that is understood here.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Where its value comes from when the address has none, as for libpq.
    pub(super) variable: Option<&'static str>,
    values: Values,
}

enum Values {
    Any,
    Number,
    /// These words alone, and what people write when they mean one of them.
    Words(&'static [&'static str], &'static [(&'static str, &'static str)]),
}

use Values::{Any, Number, Words};

const fn parameter(name: &'static str, variable: &'static str, values: Values) -> Parameter {
    let variable = if variable.is_empty() { None } else { Some(variable) };
    Parameter { name, variable, values }
}

const TLS_MODES: Values = Words(
    &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
    &[
        ("no-verify", "require"),
        ("required", "require"),
        ("true", "require"),
        ("on", "require"),
        ("verify", "verify-full"),
        ("false", "disable"),
        ("off", "disable"),
        ("preferred", "prefer"),
    ],
);

const TARGETS: Values = Words(
    &["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
    &[
        ("master", "primary"),
        ("leader", "primary"),
        ("writer", "primary"),
        ("slave", "standby"),
        ("replica", "standby"),
        ("secondary", "standby"),
        ("reader", "standby"),
        ("preferSecondary", "prefer-standby"),
        ("prefer-slave", "prefer-standby"),
        ("prefer-replica", "prefer-standby"),
        ("rw", "read-write"),
        ("ro", "read-only"),
    ],
);

const TLS_VERSIONS: Values = Words(&["TLSv1.2", "TLSv1.3"], &[("TLSv1", "TLSv1.2"), ("TLSv1.1", "TLSv1.2")]);

pub(super) const PARAMETERS: &[Parameter] = &[
    parameter("host", "PGHOST", Any),
    parameter("hostaddr", "PGHOSTADDR", Any),
    parameter("port", "PGPORT", Any),
    parameter("dbname", "PGDATABASE", Any),
    parameter("user", "PGUSER", Any),
    parameter("password", "PGPASSWORD", Any),
    parameter("passfile", "PGPASSFILE", Any),
    parameter("options", "PGOPTIONS", Any),
    parameter("application_name", "PGAPPNAME", Any),
    parameter("fallback_application_name", "", Any),
    parameter("connect_timeout", "PGCONNECT_TIMEOUT", Number),
    parameter("tcp_user_timeout", "", Number),
    parameter("keepalives", "", Number),
    parameter("keepalives_idle", "", Number),
    parameter("keepalives_interval", "", Number),
    parameter("keepalives_count", "", Number),
    parameter("sslmode", "PGSSLMODE", TLS_MODES),
    parameter("sslrootcert", "PGSSLROOTCERT", Any),
    parameter("sslcert", "PGSSLCERT", Any),
    parameter("sslkey", "PGSSLKEY", Any),
    parameter("sslsni", "PGSSLSNI", Words(&["0", "1"], &[])),
    parameter("sslnegotiation", "PGSSLNEGOTIATION", Words(&["postgres", "direct"], &[])),
    parameter("sslcompression", "PGSSLCOMPRESSION", Words(&["0"], &[("1", "0")])),
    parameter("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", TLS_VERSIONS),
    parameter("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", TLS_VERSIONS),
    parameter("channel_binding", "PGCHANNELBINDING", Words(&["disable", "prefer", "require"], &[])),
    parameter("gssencmode", "PGGSSENCMODE", Words(&["disable", "prefer"], &[("require", "disable")])),
    parameter(
        "client_encoding",
        "PGCLIENTENCODING",
        Words(&["UTF8", "auto"], &[("utf-8", "UTF8"), ("unicode", "UTF8")]),
    ),
    parameter("target_session_attrs", "PGTARGETSESSIONATTRS", TARGETS),
    parameter("load_balance_hosts", "PGLOADBALANCEHOSTS", Words(&["disable", "random"], &[])),
];

const NO_POOLER_HINT: &str = "leave it out: what a pooler supports is detected at startup";
const POOL_SIZE: &str = "leave it out and set DATABASE_POOL_SIZE";
const SEARCH_PATH: &str = "write options=-c%20search_path%3Dname";
const NOT_HERE: &str = "it is not supported here: leave it out";

/// What other clients call it, and what to write here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("ssl", "write sslmode=require, or sslmode=disable"),
    ("requiressl", "write sslmode=require"),
    ("sslaccept", "write sslmode=verify-full, or sslmode=require where the certificate is not to be checked"),
    ("sslidentity", "write sslcert=file and sslkey=file"),
    ("sslca", "write sslrootcert=file"),
    ("ca", "write sslrootcert=file"),
    ("cafile", "write sslrootcert=file"),
    ("sslrootca", "write sslrootcert=file"),
    (
        "sslpassword",
        "encrypted keys are not supported: decrypt the file, and make it readable only by its user",
    ),
    ("sslcrl", NOT_HERE),
    ("sslcrldir", NOT_HERE),
    ("sslcertmode", NOT_HERE),
    ("requirepeer", NOT_HERE),
    ("require_auth", NOT_HERE),
    ("krbsrvname", NOT_HERE),
    ("gsslib", NOT_HERE),
    ("gssdelegation", NOT_HERE),
    ("replication", NOT_HERE),
    ("service", "service files are not supported: write host, port, dbname and user"),
    ("schema", SEARCH_PATH),
    ("currentschema", SEARCH_PATH),
    ("search_path", SEARCH_PATH),
    ("statement_timeout", "set DATABASE_STATEMENT_TIMEOUT_MS, or write options=-c%20statement_timeout%3D5s"),
    ("lock_timeout", "set DATABASE_LOCK_TIMEOUT_MS, or write options=-c%20lock_timeout%3D5s"),
    ("pgbouncer", NO_POOLER_HINT),
    ("preparethreshold", NO_POOLER_HINT),
    ("statement_cache_size", NO_POOLER_HINT),
    ("statement_cache_capacity", NO_POOLER_HINT),
    ("prepared_statements", NO_POOLER_HINT),
    ("connection_limit", POOL_SIZE),
    ("pool_size", POOL_SIZE),
    ("pool", POOL_SIZE),
    ("pool_max_conns", POOL_SIZE),
    ("max_connections", POOL_SIZE),
    ("pool_timeout", "write connect_timeout=seconds"),
    ("timeout", "write connect_timeout=seconds"),
    ("keepalives_retries", "write keepalives_count"),
    ("username", "write user"),
    ("database", "write dbname"),
    ("db", "write dbname"),
    ("targetservertype", "write target_session_attrs"),
    ("target_server_type", "write target_session_attrs"),
];

/// The parameter of this name.
pub(super) fn find(name: &str) -> Result<&'static Parameter, UrlError> {
    if let Some(parameter) = PARAMETERS.iter().find(|parameter| parameter.name == name) {
        return Ok(parameter);
    }
    let lower = name.to_ascii_lowercase();
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == lower);
    let advice = match elsewhere {
        Some((_, advice)) => (*advice).to_owned(),
        None => match nearest(&lower, PARAMETERS.iter().map(|parameter| parameter.name)) {
            Some(near) => format!("write {near}"),
            None => "leave it out".to_owned(),
        },
    };
    Err(UrlError::Parameter { name: shortened(name), advice })
}

impl Parameter {
    /// Whether the value is one that this parameter may have.
    pub(super) fn check(&self, value: &str) -> Result<(), UrlError> {
        let fault =
            |advice: String| Err(UrlError::Value { name: self.name, value: shortened(value), advice });
        match self.values {
            Any => Ok(()),
            Number if value.parse::<i32>().is_ok() => Ok(()),
            Number => fault("write a whole number".to_owned()),
            Words(words, _) if words.contains(&value) => Ok(()),
            Words(words, meant) => {
                let known = words.join(", ");
                let lower = value.to_ascii_lowercase();
                let meant =
                    meant.iter().find(|(other, _)| other.eq_ignore_ascii_case(value)).map(|(_, word)| *word);
                match meant.or_else(|| nearest(&lower, words.iter().copied())) {
                    Some(word) => fault(format!("write {}={word} (allowed: {known})", self.name)),
                    None => fault(format!("allowed: {known}")),
                }
            }
        }
    }
}

/// The word that somebody probably meant.
fn nearest(text: &str, words: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let far = |word: &str| {
        strsim::damerau_levenshtein(&text.replace('_', "-"), &word.to_ascii_lowercase().replace('_', "-"))
    };
    let best = words.map(|word| (far(word), word)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= (text.len() / 3).max(1)).then_some(best.1)
}

/// What a person wrote may be long, and may not be what they meant to show.
fn shortened(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    plain
}
