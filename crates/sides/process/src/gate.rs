//! Waiting for the database at startup: it must answer, be migrated, and let this process act.

use std::time::{Duration, Instant};

use database::{ConnectError, Connection, DatabaseUrl, Limits, Pooler, PoolerError};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl as _;

use manifest::Manifest;

use crate::{
    Check, chain, compatibility,
    complaint::Complaint,
    rights,
    settings::{RoleChoice, Settings},
};

const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why this process cannot begin yet. All of these but the permanent ones may pass without a restart.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the database is unavailable")]
    Away(#[source] ConnectError),
    #[error("the database refused a query")]
    Query(#[source] diesel::result::Error),
    #[error("cannot find out whether a pooler is in front of the database")]
    Pooler(#[source] PoolerError),
    #[error(transparent)]
    Permanent(#[from] Permanent),
    #[error("the database did not answer in time")]
    Slow,
    #[error("the tables are missing; run the migrations: cargo run -p migrate -- up")]
    NoTables,
    #[error(
        "this build is not compatible with the schema: {0}; run the migrations (cargo run -p migrate -- up), or release \
         a compatible build"
    )]
    Mismatch(String),
    #[error("the migrations are running")]
    Migrating,
    #[error(
        "the database user may not act as {0:?}, which DATABASE_ROLE asks for; create and grant the role, \
         or unset DATABASE_ROLE"
    )]
    Role(String),
    #[error(
        "the role {role} may not use {missing}, which this build needs; grant it what the build declares: \
         {process} --manifest > manifest.json && migrate grants --manifest manifest.json"
    )]
    Rights { role: String, process: String, missing: String },
}

/// What no waiting cures: the addresses do not lead to what a process needs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Permanent {
    #[error(
        "DATABASE_URL goes through a transaction pooler (such as PgBouncer with pool_mode = transaction), but \
         leases, notifications and locks need a session of their own. Set DATABASE_DIRECT_URL to the server \
         itself, or use session pooling"
    )]
    NoDirect,
    #[error("DATABASE_DIRECT_URL goes through a transaction pooler: set it to the server itself")]
    DirectIsPooled,
    #[error(
        "DATABASE_URL goes through a pooler that loses prepared statements between transactions: set \
         max_prepared_statements (PgBouncer 1.21 or newer), use session pooling, or set DATABASE_URL to the \
         server itself"
    )]
    NoStatements,
    #[error(
        "DATABASE_URL goes through a pooler without transactions (such as PgBouncer with pool_mode = statement): use \
         transaction or session pooling, or set DATABASE_URL to the server itself"
    )]
    NoTransactions,
    #[error(
        "the pooler in front of the database does not pass on the role {0:?} of DATABASE_ROLE: connect to the \
         server itself, or unset DATABASE_ROLE and log in as that role"
    )]
    NoRole(String),
}

impl From<PoolerError> for Refusal {
    fn from(error: PoolerError) -> Self {
        match error {
            PoolerError::Connect(error) => Self::Away(error),
            error @ PoolerError::Query(_) => Self::Pooler(error),
        }
    }
}

/// The addresses to use from here on.
#[derive(Debug)]
pub(crate) struct Opened {
    /// For what needs a session of its own.
    pub(crate) direct: DatabaseUrl,
    /// For the pool.
    pub(crate) pooled: DatabaseUrl,
    /// Whether sessions of the pool take settings when they begin.
    pub(crate) takes_settings: bool,
}

/// Waits for the database as long as it takes, and returns the addresses to use from here on.
///
/// # Errors
/// When it will never do.
pub(crate) async fn open(
    url: &DatabaseUrl,
    settings: &Settings,
    manifest: &Manifest,
    check: &Check,
) -> Result<Opened, Permanent> {
    let mut complaint = Complaint::default();
    loop {
        let attempt = async {
            let direct = settings.direct.as_ref().unwrap_or(url);
            // First of all: what comes next prepares statements, which a pooler may lose.
            look_for_poolers(url, settings).await?;
            let role = attempt(direct, &settings.role, manifest).await?;
            addresses(url, settings, role.as_deref()).await
        };
        let tried = tokio::time::timeout(Duration::from_secs(10), attempt).await;
        let refusal = match tried.unwrap_or(Err(Refusal::Slow)) {
            Ok(opened) => {
                if complaint.end() {
                    tracing::info!("the database is available now");
                }
                return Ok(opened);
            }
            Err(Refusal::Permanent(permanent)) => return Err(permanent),
            Err(refusal) => refusal,
        };
        let text = chain(&refusal).to_string();
        if complaint.is_due(&text, Instant::now()) {
            tracing::warn!("not ready, trying again every second: {text}");
        }
        check.fail(text);
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// Finds out what is between this process and its server, by trying.
async fn look_for_poolers(url: &DatabaseUrl, settings: &Settings) -> Result<(), Refusal> {
    let direct = settings.direct.as_ref().unwrap_or(url);
    if database::pooler(direct).await? != Pooler::None {
        return Err(
            if settings.direct.is_some() { Permanent::DirectIsPooled } else { Permanent::NoDirect }.into()
        );
    }
    if settings.direct.is_none() {
        return Ok(());
    }
    match database::pooler(url).await? {
        Pooler::TransactionWithoutStatements => Err(Permanent::NoStatements.into()),
        Pooler::Statement => Err(Permanent::NoTransactions.into()),
        Pooler::None | Pooler::Transaction => Ok(()),
    }
}

/// The addresses with the role, where what is between passes it on.
async fn addresses(url: &DatabaseUrl, settings: &Settings, role: Option<&str>) -> Result<Opened, Refusal> {
    let required = matches!(settings.role, RoleChoice::Required(_));
    let (pooled, takes_settings) = with_settings(url, role, settings.limits, required).await?;
    let direct = match &settings.direct {
        Some(direct) => with_settings(direct, role, Limits::NONE, required).await?.0,
        None => pooled.clone(),
    };
    Ok(Opened { direct, pooled, takes_settings })
}

/// The address with the role, where what is between passes it on.
async fn with_settings(
    url: &DatabaseUrl,
    role: Option<&str>,
    limits: Limits,
    required: bool,
) -> Result<(DatabaseUrl, bool), Refusal> {
    let wanted = role.map_or_else(|| url.clone(), |role| url.with_role(role));
    match database::connect(&limits.on(&wanted)).await {
        Ok(_) => Ok((wanted, true)),
        Err(error) if error.is_without_options() => {
            if let (Some(role), true) = (role, required) {
                return Err(Permanent::NoRole(role.to_owned()).into());
            }
            tracing::warn!(
                "a pooler before {url} passes on no settings: sessions have the database user's own rights and limits. \
                 Log in as the process' role, and limit it: ALTER ROLE … SET statement_timeout = '5s'"
            );
            Ok((url.clone(), false))
        }
        Err(error) => Err(Refusal::Away(error)),
    }
}

/// Whether this build can begin here; the role that it takes, if any.
async fn attempt(
    url: &DatabaseUrl,
    role: &RoleChoice,
    manifest: &Manifest,
) -> Result<Option<String>, Refusal> {
    let mut connection = database::connect(url).await.map_err(Refusal::Away)?;
    if !::schema::instances::exist(&mut connection).await.map_err(Refusal::Query)? {
        return Err(Refusal::NoTables);
    }
    if let Some(mismatch) =
        compatibility::mismatch(manifest, &mut connection).await.map_err(Refusal::Query)?
    {
        return Err(Refusal::Mismatch(mismatch));
    }
    let (name, when) = match role {
        RoleChoice::Granted(name) => (name.as_str(), When::Granted),
        RoleChoice::Preferred(name) => (*name, When::Possible),
        RoleChoice::Required(name) => (name.as_str(), When::Always),
    };
    let is_possible = may_act_as(&mut connection, name, when == When::Granted).await?;
    if is_possible {
        let Some(missing) = rights::missing(manifest, name, &mut connection).await.map_err(Refusal::Query)?
        else {
            return Ok(Some(name.to_owned()));
        };
        if !migrations_run(&mut connection).await? {
            let process = manifest.process.clone();
            return Err(Refusal::Rights { role: name.to_owned(), process, missing });
        }
    }
    match when {
        When::Granted if !is_possible => {
            tracing::info!(
                "this process runs with the database user's own rights; `migrate grants` gives it its own role"
            );
            Ok(None)
        }
        _ if migrations_run(&mut connection).await? => Err(Refusal::Migrating),
        When::Always => Err(Refusal::Role(name.to_owned())),
        _ => {
            tracing::warn!(
                "the database user has no role {name} to act as, so this process runs with the user's own \
                 rights. Run the migrations as a user that may create roles, or create {name} and grant it"
            );
            Ok(None)
        }
    }
}

/// When a role is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Where it was given rights in this database: roles belong to the whole server.
    Granted,
    /// Where the user may.
    Possible,
    Always,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

fn yes(answer: Result<Answer, diesel::result::Error>) -> Result<bool, Refusal> {
    answer.map(|row| row.answer).map_err(Refusal::Query)
}

async fn may_act_as(connection: &mut Connection, role: &str, with_rights: bool) -> Result<bool, Refusal> {
    let query = "SELECT pg_has_role(oid, 'MEMBER') AND (NOT $2 OR has_schema_privilege(oid, 'sides', 'USAGE')) AS answer
                 FROM pg_roles WHERE rolname = $1";
    let answer: Option<Answer> = diesel::sql_query(query)
        .bind::<Text, _>(role)
        .bind::<Bool, _>(with_rights)
        .get_result(connection)
        .await
        .optional()
        .map_err(Refusal::Query)?;
    Ok(answer.is_some_and(|row| row.answer))
}

/// Roles are made after the tables, under the runner's lock: a missing role means nothing while it is held.
/// The lock taken here ends with the connection.
async fn migrations_run(connection: &mut Connection) -> Result<bool, Refusal> {
    let query = "SELECT NOT pg_try_advisory_lock_shared($1) AS answer";
    yes(diesel::sql_query(query)
        .bind::<BigInt, _>(::schema::locks::MIGRATION_RUNNER)
        .get_result(connection)
        .await)
}
