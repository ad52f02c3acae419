//! Where scratch databases are created: on a private server, or on one in use.

use std::{path::PathBuf, time::Duration};

use database::DatabaseUrl;
use postgres::{ClusterError, ScratchServer};
use tokio_postgres::{Client, Error};

use super::{
    Defaults, LiveOnly,
    roles::{self, Role},
};
use crate::{MigrateError, session};

/// How long a private server runs on for the next check.
const GRACE: Duration = Duration::from_secs(120);

/// A server for scratch databases.
#[derive(Debug)]
pub struct Place {
    /// As whom databases are made and watched.
    pub(crate) admin: DatabaseUrl,
    /// As whom migrations run.
    pub(crate) user: DatabaseUrl,
    /// The owner of the databases, and the roles that migrations may name. None of another's server.
    pub(crate) owner: Option<String>,
    pub(crate) roles: Vec<Role>,
    /// What is on the live database beside the migrations.
    pub(crate) live_only: LiveOnly,
    /// The settings that the live database's sessions begin with.
    pub(crate) defaults: Defaults,
    /// What the server can do: its version and its extensions.
    version: String,
    /// Set for a private server, which is this value's alone.
    server: Option<ScratchServer>,
    note: Option<String>,
}

impl Place {
    /// A private server from the machine's own binaries, of the live server's major version where that is installed.
    /// With `shadow` that server, and where the machine has no server programs, the live one: on these nothing is
    /// done that reaches beyond the scratch database.
    ///
    /// # Errors
    /// When the live server is away.
    pub async fn find(live: &DatabaseUrl, shadow: Option<&DatabaseUrl>) -> Result<Self, MigrateError> {
        if let Some(shadow) = shadow {
            return Ok(Self::used(shadow, None));
        }
        session::is_direct(live).await?;
        let client = database::unlimited_client(&live.with_application_name("migrate (check)")).await?;
        // Before the session has any of its own.
        let defaults = Defaults::read(&client).await?;
        session::settle(&client).await?;
        let (live_major, session_user, roles) = roles::read(&client).await?;
        let server = match private(live_major).await {
            Ok(server) => server,
            Err(why) => {
                let note = format!(
                    "cannot start a private server to try the migrations on ({why}); using a scratch database on \
                     the live server instead, where statements that act on the whole server are not tried"
                );
                return Ok(Self::used(live, Some(note)));
            }
        };
        let note = (server.major() != live_major).then(|| {
            format!(
                "tried on Postgres {}, but the live server is {live_major}; install Postgres {live_major} here \
                 to try on the same version",
                server.major()
            )
        });
        let admin = address(server.url())?;
        let user = match session_user.as_str() {
            "postgres" => admin.clone(),
            other => address(&server.url().replacen("://postgres@", &format!("://{}@", encoded(other)), 1))?,
        };
        let live_only = LiveOnly::read(&client).await?;
        let version = version(&database::unlimited_client(&admin).await?).await?;
        Ok(Self {
            admin,
            user,
            owner: Some(session_user),
            roles,
            live_only,
            defaults,
            version,
            server: Some(server),
            note,
        })
    }

    fn used(url: &DatabaseUrl, note: Option<String>) -> Self {
        Self {
            admin: url.clone(),
            user: url.clone(),
            owner: None,
            roles: Vec::new(),
            live_only: LiveOnly::default(),
            defaults: Defaults::default(),
            version: String::new(),
            server: None,
            note,
        }
    }

    /// Whether nobody else uses the server, so that roles and settings are harmless there.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.server.is_some()
    }

    /// Everything that decides a verdict beside the migrations and the program, whose texts are given: of the roles
    /// only those that a scratch database gets for them. None of another's server, whose settings may change.
    pub(crate) fn identity(&self, texts: &[&str]) -> Option<String> {
        let Self { owner, roles, live_only, defaults, version, .. } = self;
        let mut made = owner.as_deref().map(|user| roles::statements(roles, user, texts)).unwrap_or_default();
        made.sort();
        self.is_private().then(|| format!("{version} {owner:?} {made:?} {live_only:?} {defaults:?}"))
    }

    /// What people should know about it.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

async fn version(admin: &Client) -> Result<String, Error> {
    let question = "SELECT version() || (
        SELECT string_agg(name || ' ' || default_version, ', ' ORDER BY name) FROM pg_available_extensions)";
    Ok(admin.query_one(question, &[]).await?.get(0))
}

fn address(text: &str) -> Result<DatabaseUrl, MigrateError> {
    text.parse().map_err(|why| MigrateError::Scratch(format!("cannot parse its address: {why}")))
}

fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A private server without anything that earlier checks left on it.
async fn private(major: u32) -> Result<ScratchServer, String> {
    let server = open(major).await?;
    let why = match clean(server.url()).await {
        Ok(()) => return Ok(server),
        Err(why) => why,
    };
    // Its last holder took rights from its superuser, or left what cannot be removed.
    let discarded = tokio::task::spawn_blocking(move || server.discard()).await;
    discarded.map_err(|panic| panic.to_string())?.map_err(|error| format!("{why}; {error}"))?;
    let server = open(major).await?;
    clean(server.url()).await?;
    Ok(server)
}

async fn open(major: u32) -> Result<ScratchServer, String> {
    let tried = tokio::task::spawn_blocking(move || {
        let mut last = None;
        for folder in folders() {
            match ScratchServer::open(&folder, Some(major), GRACE) {
                Err(error @ (ClusterError::Folder { .. } | ClusterError::Untrusted { .. })) => {
                    last = Some(error);
                }
                other => return other,
            }
        }
        match last {
            Some(error) => Err(error),
            None => ScratchServer::open(&std::env::temp_dir().join("sides-scratch"), Some(major), GRACE),
        }
    });
    let opened = tried.await.map_err(|panic| panic.to_string())?;
    opened.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let text = format!("{error}{cause}");
        text.lines().next().unwrap_or_default().to_owned()
    })
}

/// Where private servers are kept, best first.
fn folders() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("SIDES_SCRATCH_DIR") {
        return vec![folder];
    }
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    cache.into_iter().chain([std::env::temp_dir()]).map(|folder| folder.join("sides/scratch")).collect()
}

async fn clean(url: &str) -> Result<(), String> {
    let url: DatabaseUrl = url.parse().map_err(|_| "cannot parse its address".to_owned())?;
    let admin = database::unlimited_client(&url).await.map_err(|error| error.to_string())?;
    clean_with(&admin).await.map_err(|error| error.to_string())
}

async fn clean_with(admin: &Client) -> Result<(), Error> {
    let left = admin
        .query(
            "SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database
             WHERE oid >= 16384 AND datistemplate
             UNION ALL
             SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
             WHERE oid >= 16384 AND datname <> 'sides'
             UNION ALL
             SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace WHERE oid >= 16384
             UNION ALL
             SELECT format('DROP OWNED BY %I CASCADE', rolname) FROM pg_roles WHERE oid >= 16384
             UNION ALL
             SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384
             UNION ALL
             SELECT format('ALTER ROLE %s RESET ALL', CASE setrole WHEN 0 THEN 'ALL' ELSE setrole::regrole::text END)
             FROM pg_db_role_setting WHERE setdatabase = 0 AND (setrole = 0 OR setrole < 16384)
             UNION ALL
             SELECT unnest(ARRAY['ALTER SYSTEM RESET ALL', 'SELECT pg_reload_conf()'])
             WHERE EXISTS (SELECT FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf')",
            &[],
        )
        .await?;
    for row in left {
        admin.batch_execute(row.get(0)).await?;
    }
    Ok(())
}
