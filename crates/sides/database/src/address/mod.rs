//! The address of a database, which is also a secret.
//!
//! Read as libpq reads it, from either of its forms, with its variables (`PGPASSWORD`, `PGSSLROOTCERT` …) for what the
//! address leaves out. What is not understood is refused, with what to write instead.

mod hosts;
mod keywords;
mod parameters;
pub(crate) mod passfile;
mod uri;

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

pub(crate) use hosts::Server;

use crate::{Target, TlsMode};

/// A validated address of a database. `Debug` and `Display` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// By libpq's names; only those that are known.
    values: BTreeMap<&'static str, String>,
}

/// Why a text is not a database address.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// Neither of the two forms.
    #[error("is not an address like postgres://user:password@host:5432/database")]
    Shape,
    /// A `%` that encodes nothing.
    #[error("has a % without two hex digits after it: write %25 for the sign itself")]
    Percent,
    /// Neither the address nor PGDATABASE names a database.
    #[error("names no database: add /name after the host")]
    NoDatabase,
    /// A port that is none. Its text is not shown: it may be part of a password.
    #[error("has a port that is not a number from 1 to 65535 (a / in a password is written %2F, a ? %3F)")]
    Port,
    /// As many ports as hosts, or one for all.
    #[error("names {hosts} hosts and {ports} ports: give each host its port, or one for all")]
    Ports {
        /// How many hosts.
        hosts: usize,
        /// How many ports.
        ports: usize,
    },
    /// A parameter that is not known here.
    #[error("has the unknown parameter {name}: {advice}")]
    Parameter {
        /// Its name.
        name: String,
        /// What to do about it.
        advice: String,
    },
    /// A value that a parameter cannot have.
    #[error("has {name}={value}: {advice}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it was given.
        value: String,
        /// What to write instead.
        advice: String,
    },
    /// The Postgres client refuses it.
    #[error("is refused by the Postgres client")]
    Client(#[source] tokio_postgres::Error),
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::read(text, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }
}

impl DatabaseUrl {
    fn read(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, UrlError> {
        let text = text.trim();
        let scheme = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let pairs = match scheme {
            Some(rest) => uri::read(rest)?,
            None if text.contains("://") || !text.contains('=') => return Err(UrlError::Shape),
            None => keywords::read(text)?,
        };
        let mut values = BTreeMap::new();
        for parameter in parameters::PARAMETERS {
            if let Some(value) = parameter.variable.and_then(variable) {
                parameter.check(&value)?;
                values.insert(parameter.name, value);
            }
        }
        for (name, value) in pairs {
            let parameter = parameters::find(&name)?;
            parameter.check(&value)?;
            // An empty value is none: what it says by default counts again.
            match value.is_empty() {
                true => values.remove(parameter.name),
                false => values.insert(parameter.name, value),
            };
        }
        if !values.contains_key("dbname") {
            return Err(UrlError::NoDatabase);
        }
        // One port for all hosts is a port for each: two ways to write an address are one address.
        if let (Some(host), Some(port)) = (values.get("host"), values.get("port"))
            && !port.contains(',')
        {
            let each = vec![port.as_str(); host.split(',').count()].join(",");
            values.insert("port", each);
        }
        let parsed = Self { values };
        parsed.weigh_tls()?;
        for server in parsed.servers()? {
            parsed.client_config(&server)?;
        }
        Ok(parsed)
    }

    /// A root that is the system's is worth nothing where it is not held against the host's name.
    fn weigh_tls(&self) -> Result<(), UrlError> {
        let weak = self.get("sslmode").is_some_and(|mode| mode != "verify-full");
        if self.get("sslrootcert") == Some("system") && weak {
            let value = self.get("sslmode").unwrap_or_default().to_owned();
            let advice = "write sslmode=verify-full with sslrootcert=system".to_owned();
            return Err(UrlError::Value { name: "sslmode", value, advice });
        }
        Ok(())
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        self.get("dbname").unwrap_or_default()
    }

    /// The user whom the address names; empty where it names none.
    #[must_use]
    pub fn user(&self) -> &str {
        self.get("user").unwrap_or_default()
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        self.with("dbname", name)
    }

    /// The same address, with every session acting as `role` from its first statement on. A server, or a pooler before
    /// it, that does not take it is not a connection.
    ///
    /// The user of the address must be a member of the role.
    #[must_use]
    pub fn with_role(&self, role: &str) -> Self {
        self.with_setting("role", role)
    }

    /// The same address, with a setting that every session begins with. It is sent with the first message, so that no
    /// session of another program can get it from a pooler.
    #[must_use]
    pub fn with_setting(&self, name: &str, value: &str) -> Self {
        let option = option(name, value);
        match self.get("options") {
            Some(options) => self.with("options", &format!("{options} {option}")),
            None => self.with("options", &option),
        }
    }

    /// The same address, with settings that every session begins with unless the address says otherwise.
    pub(crate) fn with_defaults(&self, settings: &[(&str, &str)]) -> Self {
        let defaults = settings.iter().map(|(name, value)| option(name, value));
        let all: Vec<String> = defaults.chain(self.get("options").map(str::to_owned)).collect();
        self.with("options", &all.join(" "))
    }

    /// The same address, with the name that `pg_stat_activity` shows.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        self.with("application_name", name)
    }

    /// The same address, for sessions of this kind.
    #[must_use]
    pub fn with_target(&self, target: Target) -> Self {
        self.with("target_session_attrs", target.name())
    }

    /// The whole address, password included: for a child's environment, never for a log.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut text = "postgres://".to_owned();
        if let Some(user) = self.get("user") {
            text += &uri::encode(user);
        }
        if let Some(password) = self.get("password") {
            text = text + ":" + &uri::encode(password);
        }
        if self.get("user").or(self.get("password")).is_some() {
            text.push('@');
        }
        text = text + &self.shown_hosts() + "/" + &uri::encode(self.database());
        let elsewhere = ["user", "password", "host", "port", "dbname"];
        let parameters: Vec<String> = self
            .values
            .iter()
            .filter(|(name, _)| !elsewhere.contains(name))
            .map(|(name, value)| format!("{name}={}", uri::encode(value)))
            .collect();
        if !parameters.is_empty() {
            text = text + "?" + &parameters.join("&");
        }
        text
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn target(&self) -> Target {
        self.get("target_session_attrs").and_then(Target::parse).unwrap_or(Target::ReadWrite)
    }

    pub(crate) fn tls_mode(&self) -> TlsMode {
        let default = if self.get("sslrootcert") == Some("system") { "verify-full" } else { "prefer" };
        TlsMode::parse(self.get("sslmode").unwrap_or(default)).unwrap_or(TlsMode::Prefer)
    }

    /// The role that sessions must act as, when [`Self::with_role`] named one.
    pub(crate) fn role(&self) -> Option<&str> {
        let options = self.get("options")?;
        options.split_whitespace().rev().find_map(|word| word.strip_prefix("role="))
    }

    fn with(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        other.values.insert(name, value.to_owned());
        other
    }

    /// What the client is told for one of the servers.
    pub(crate) fn client_config(&self, server: &Server) -> Result<tokio_postgres::Config, UrlError> {
        const HANDED_ON: &[(&str, &str)] = &[
            ("user", "user"),
            ("password", "password"),
            ("dbname", "dbname"),
            ("options", "options"),
            ("fallback_application_name", "application_name"),
            ("application_name", "application_name"),
            ("connect_timeout", "connect_timeout"),
            ("tcp_user_timeout", "tcp_user_timeout"),
            ("keepalives", "keepalives"),
            ("keepalives_idle", "keepalives_idle"),
            ("keepalives_interval", "keepalives_interval"),
            ("keepalives_count", "keepalives_retries"),
            ("channel_binding", "channel_binding"),
            ("sslnegotiation", "sslnegotiation"),
        ];
        let pairs: Vec<String> = HANDED_ON
            .iter()
            .filter_map(|(name, client)| Some(keywords::quote(client, self.get(name)?)))
            .collect();
        let mut config: tokio_postgres::Config = pairs.join(" ").parse().map_err(UrlError::Client)?;
        server.apply(&mut config);
        // A server whose machine is gone says nothing: found out in seconds, not after the system's two hours.
        let seconds = std::time::Duration::from_secs;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(seconds(5));
        }
        if self.get("keepalives_idle").is_none() {
            config.keepalives_idle(seconds(10)).keepalives_interval(seconds(3)).keepalives_retries(3);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(seconds(15));
        }
        if config.get_password().is_none()
            && let Some(password) = self.password_of(server, config.get_user())
        {
            config.password(password);
        }
        Ok(config)
    }

    /// Where passwords are looked for that the address does not have.
    pub(crate) fn passfile(&self) -> Option<PathBuf> {
        match self.get("passfile") {
            Some(file) => Some(file.into()),
            None => std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pgpass")),
        }
    }

    fn password_of(&self, server: &Server, user: Option<&str>) -> Option<String> {
        let file = self.passfile()?;
        // Who is named nowhere is who runs this, as for libpq; a service's environment may not say it.
        let user = user.map(str::to_owned).or_else(own_user)?;
        let asked = passfile::Asked {
            host: server.name_in_passfile(),
            port: server.port,
            database: self.database(),
            user: &user,
        };
        passfile::password(&file, &asked)
    }
}

/// One setting, as the parameter `options` has it: a blank ends a value, unless a backslash is before it.
fn option(name: &str, value: &str) -> String {
    format!("-c {name}={}", value.replace('\\', "\\\\").replace(' ', "\\ "))
}

fn own_user() -> Option<String> {
    use nix::unistd::{User, geteuid};
    User::from_uid(geteuid()).ok().flatten().map(|user| user.name)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.get("user") {
            let hidden = if self.get("password").is_some() { ":***" } else { "" };
            write!(f, "{}{hidden}@", uri::encode(user))?;
        }
        write!(f, "{}/{}", self.shown_hosts(), uri::encode(self.database()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests;
