//! The settings that sessions of the live database begin with: of its server, the database and the user. Some decide
//! what a statement does, such as the time zone whether `timestamp` becomes `timestamptz` without a rewrite.

use tokio_postgres::{Client, Error};

use super::roles::quoted;

/// Those that decide what a migration does and that its session does not set itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Defaults(Vec<(String, String)>);

const CHANGED: &str = "
    SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings
    WHERE source NOT IN ('default', 'client', 'session', 'override')
      AND name IN ('TimeZone', 'timezone_abbreviations', 'DateStyle', 'IntervalStyle', 'bytea_output', 'extra_float_digits',
                   'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'default_text_search_config',
                   'default_table_access_method', 'default_toast_compression', 'session_replication_role',
                   'lo_compat_privileges', 'createrole_self_grant', 'event_triggers')
    UNION ALL SELECT 'role', pg_catalog.current_setting('role') WHERE pg_catalog.current_setting('role') <> 'none'
    ORDER BY name";

impl Defaults {
    pub(crate) async fn read(live: &Client) -> Result<Self, Error> {
        let rows = live.query(CHANGED, &[]).await?;
        Ok(Self(rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }

    /// As whom sessions act, where that is not who connects.
    pub(crate) fn role(&self) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == "role").map(|(_, role)| role.as_str())
    }

    /// Gives them to a scratch database and its user. One that the server does not take is left out: it may lack a
    /// locale, or the dictionary that a search needs.
    pub(crate) async fn give(&self, admin: &Client, database: &str, user: Option<&str>) {
        let database = quoted(database);
        for (name, value) in &self.0 {
            let value = value.replace('\'', "''");
            let whose = match (name.as_str(), user) {
                // The session that looks on stays who it is.
                ("role", Some(user)) => format!("ROLE {} IN DATABASE {database}", quoted(user)),
                ("role", None) => continue,
                _ => format!("DATABASE {database}"),
            };
            admin.batch_execute(&format!("ALTER {whose} SET {name} = '{value}'")).await.ok();
        }
    }
}
