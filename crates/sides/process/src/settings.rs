//! The configuration that every process has.

use std::{net::IpAddr, time::Duration};

use database::{DatabaseUrl, Limits};

use crate::{Definition, Environment, host, listen::OpsPort, logs::LogSettings};

#[derive(Debug)]
pub(crate) struct Settings {
    /// `RELEASE`
    pub(crate) release: String,
    /// `RELEASE_COMMIT`
    pub(crate) commit: Option<String>,
    /// The machine, with `DYNO` before it.
    pub(crate) host: String,
    /// `DATABASE_URL`; missing only together with a fault.
    pub(crate) database: Option<DatabaseUrl>,
    /// `DATABASE_DIRECT_URL`: the server itself, where `DATABASE_URL` goes through a pooler.
    pub(crate) direct: Option<DatabaseUrl>,
    /// `DATABASE_STATEMENT_TIMEOUT_MS`, `DATABASE_LOCK_TIMEOUT_MS`
    pub(crate) limits: Limits,
    /// `DATABASE_POOL_SIZE`
    pub(crate) pool_size: usize,
    /// `DATABASE_ROLE`
    pub(crate) role: RoleChoice,
    /// `OPS_HOST`
    pub(crate) ops_host: IpAddr,
    /// `OPS_PORT`
    pub(crate) ops_port: OpsPort,
    /// `DRAIN_SECONDS`
    pub(crate) drain_limit: Duration,
    /// `LOG`, `LOG_FORMAT`, `NO_COLOR`
    pub(crate) logs: LogSettings,
}

/// The database role to act as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RoleChoice {
    /// When it was given rights in this database; otherwise the user's own rights.
    Granted(String),
    /// When it exists and may be used; otherwise the user's own rights, with a warning.
    Preferred(&'static str),
    /// Nothing else: asked for by name.
    Required(String),
}

impl Settings {
    pub(crate) fn read(environment: &mut Environment, definition: &Definition) -> Self {
        let release = environment.text("RELEASE", "dev");
        environment.about("RELEASE", "the running build");
        let commit = environment.optional("RELEASE_COMMIT");
        environment.about("RELEASE_COMMIT", "the commit that the build was made from");
        let dyno = environment.optional("DYNO");
        environment.about("DYNO", "set by Heroku: its name for this instance, stored in the instance's row");
        let database: Option<DatabaseUrl> = environment.required(
            "DATABASE_URL",
            "set it to postgres://user:password@host:5432/database, or start with `cargo run -- dev`",
        );
        environment.about("DATABASE_URL", "the database: postgres://user:password@host:5432/database");
        let direct = environment.optional_parsed::<DatabaseUrl>("DATABASE_DIRECT_URL");
        environment.about(
            "DATABASE_DIRECT_URL",
            "the server itself, if DATABASE_URL goes through a pooler; used for leases, notifications and locks",
        );
        let limits = limits(environment, definition);
        let pool_size = environment.number("DATABASE_POOL_SIZE", definition.pool_size, 1..=500);
        environment.about("DATABASE_POOL_SIZE", "the largest number of connections of the process");
        let role = match (environment.optional("DATABASE_ROLE"), definition.role) {
            (Some(role), _) => RoleChoice::Required(role),
            (None, Some(role)) => RoleChoice::Preferred(role),
            (None, None) => RoleChoice::Granted(format!("sides_{}", definition.name)),
        };
        if let RoleChoice::Required(role) = &role
            && !role.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            environment.fault("DATABASE_ROLE", "is not a role's name: use letters, digits and underscores");
        }
        let role_name = definition.role.map_or_else(|| format!("sides_{}", definition.name), str::to_owned);
        let about = format!("the database role to act as; if unset, {role_name} where the user may use it");
        environment.about("DATABASE_ROLE", about);
        let ops_host = environment.parsed("OPS_HOST", IpAddr::from([127, 0, 0, 1]));
        environment.about("OPS_HOST", "the address of /livez, /readyz, /status and /metrics");
        let ops_port = environment.number("OPS_PORT", definition.ops_port, 0..=65535);
        environment.about("OPS_PORT", "their port; if unset and in use, any free one");
        let ops_port = match environment.is_set("OPS_PORT") {
            true => OpsPort::Required(ops_port),
            false => OpsPort::Preferred(ops_port),
        };
        let drain_limit = environment.seconds("DRAIN_SECONDS", 25, 0..=86_400);
        environment.about("DRAIN_SECONDS", "how long work in progress may take after SIGTERM");
        if let Err(error) = crate::listen::inherited_number(environment) {
            environment.fault("LISTEN_FD", error);
        }
        environment.about("LISTEN_FD", "an inherited listening socket for the public address");
        let logs = LogSettings::read(environment);
        let named = |url: DatabaseUrl| url.with_application_name(&format!("{}@{release}", definition.name));
        let (database, direct) = (database.map(named), direct.map(named));
        let host = host::of(dyno.as_deref());
        Self {
            release,
            commit,
            host,
            database,
            direct,
            limits,
            pool_size,
            role,
            ops_host,
            ops_port,
            drain_limit,
            logs,
        }
    }
}

/// 0 is no limit.
fn limits(environment: &mut Environment, definition: &Definition) -> Limits {
    let mut limit = |name: &str, default: Option<Duration>, about: &str| {
        let default = default.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        let milliseconds = environment.number(name, default, 0..=86_400_000);
        environment.about(name, about);
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    };
    let Limits { statement, lock } = definition.limits;
    Limits {
        statement: limit(
            "DATABASE_STATEMENT_TIMEOUT_MS",
            statement,
            "the time limit of a statement of the pool; 0 for none",
        ),
        lock: limit("DATABASE_LOCK_TIMEOUT_MS", lock, "its time limit for waiting for a lock; 0 for none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (Settings, Environment) {
        let mut environment: Environment = pairs.iter().copied().collect();
        let settings = Settings::read(
            &mut environment,
            &Definition::new("clock", "Fires jobs.").ops_port(3003).role("sides_clock"),
        );
        (settings, environment)
    }

    #[test]
    fn only_the_database_must_be_given() {
        let (settings, environment) = read(&[("DATABASE_URL", "postgres://ann@127.0.0.1/app")]);
        assert_eq!(environment.faults(), []);
        assert_eq!(settings.ops_port, OpsPort::Preferred(3003));
        assert_eq!(settings.role, RoleChoice::Preferred("sides_clock"));
        assert!(settings.ops_host.is_loopback());
        assert_eq!(settings.release, "dev");
        assert_eq!((settings.direct, settings.limits), (None, Limits::NONE));
    }

    #[test]
    fn limits_are_the_definitions_unless_said_otherwise() {
        let of = |pairs: &[(&str, &str)]| {
            let mut environment: Environment = pairs.iter().copied().collect();
            let seconds = |count| Some(Duration::from_secs(count));
            let limits = Limits { statement: seconds(5), lock: seconds(3) };
            Settings::read(&mut environment, &Definition::new("web", "Answers.").limits(limits)).limits
        };
        assert_eq!(of(&[]).statement, Some(Duration::from_secs(5)));
        let said = of(&[("DATABASE_STATEMENT_TIMEOUT_MS", "250"), ("DATABASE_LOCK_TIMEOUT_MS", "0")]);
        assert_eq!(said, Limits { statement: Some(Duration::from_millis(250)), lock: None });
    }

    #[test]
    fn what_is_asked_for_is_required() {
        let (settings, _) = read(&[("OPS_PORT", "3003"), ("DATABASE_ROLE", "other")]);
        assert_eq!(settings.ops_port, OpsPort::Required(3003));
        assert_eq!(settings.role, RoleChoice::Required("other".to_owned()));
    }

    #[test]
    fn every_fault_is_named() {
        let pairs = [
            ("DATABASE_URL", "mysql://app"),
            ("DATABASE_DIRECT_URL", "postgres://h/app?sslmode=maybe"),
            ("DATABASE_STATEMENT_TIMEOUT_MS", "5s"),
            ("DATABASE_POOL_SIZE", "0"),
            ("DATABASE_ROLE", "x; drop"),
            ("OPS_HOST", "localhost"),
            ("OPS_PORT", "ops"),
            ("DRAIN_SECONDS", "soon"),
            ("LISTEN_FD", "1"),
            ("LOG_FORMAT", "xml"),
        ];
        let (_, environment) = read(&pairs);
        let named: Vec<&str> = environment.faults().iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(named, pairs.map(|(name, _)| name));
    }
}
