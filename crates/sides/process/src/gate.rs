//! The way to the database at the start: it must answer, be migrated, and let this process act.

use std::time::{Duration, Instant};

use database::{ConnectError, Connection, DatabaseUrl};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl as _;

use manifest::Manifest;

use crate::{Check, chain, complaint::Complaint, fit, rights, settings::RoleChoice};

const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why this process cannot begin yet. All of these may pass without a restart.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the database is away")]
    Away(#[source] ConnectError),
    #[error("the database refused a question")]
    Query(#[source] diesel::result::Error),
    #[error("the database did not answer in time")]
    Slow,
    #[error("the tables are missing; run the migrations: cargo run -p migrate -- up")]
    NoTables,
    #[error(
        "this build does not fit the schema: {0}; run the migrations (cargo run -p migrate -- up), or release \
         a build that fits"
    )]
    Misfit(String),
    #[error("the migrations are running")]
    Migrating,
    #[error(
        "the database user may not act as {0:?}, which DATABASE_ROLE asks for; create and grant the role, \
         or unset DATABASE_ROLE"
    )]
    Role(String),
    #[error(
        "the role {role} may not use {missing}, which this build does; give it what the build declares: \
         {process} --manifest > manifest.json && migrate grants --manifest manifest.json"
    )]
    Rights { role: String, process: String, missing: String },
}

/// Waits for the database as long as it takes, and returns the address to use from here on.
pub(crate) async fn open(
    url: &DatabaseUrl,
    role: &RoleChoice,
    manifest: &Manifest,
    check: &Check,
) -> DatabaseUrl {
    let mut complaint = Complaint::default();
    loop {
        let tried = tokio::time::timeout(Duration::from_secs(10), attempt(url, role, manifest)).await;
        let refusal = match tried.unwrap_or(Err(Refusal::Slow)) {
            Ok(url) => {
                if complaint.end() {
                    tracing::info!("the database is there now");
                }
                return url;
            }
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

async fn attempt(url: &DatabaseUrl, role: &RoleChoice, manifest: &Manifest) -> Result<DatabaseUrl, Refusal> {
    let mut connection = database::connect(url).await.map_err(Refusal::Away)?;
    let tables = "SELECT to_regclass('sides.instances') IS NOT NULL AS answer";
    if !yes(diesel::sql_query(tables).get_result(&mut connection).await)? {
        return Err(Refusal::NoTables);
    }
    if let Some(misfit) = fit::misfit(manifest, &mut connection).await.map_err(Refusal::Query)? {
        return Err(Refusal::Misfit(misfit));
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
            return Ok(url.with_role(name));
        };
        if !migrations_run(&mut connection).await? {
            let process = manifest.process.clone();
            return Err(Refusal::Rights { role: name.to_owned(), process, missing });
        }
    }
    match when {
        When::Granted if !is_possible => {
            tracing::info!(
                "this process has the database user's own rights; `migrate grants` gives it a role of its own"
            );
            Ok(url.clone())
        }
        _ if migrations_run(&mut connection).await? => Err(Refusal::Migrating),
        When::Always => Err(Refusal::Role(name.to_owned())),
        _ => {
            tracing::warn!(
                "there is no role {name} that the database user may act as: this process has the user's own rights. \
                 Run the migrations as a user that may create roles, or create {name} and grant it"
            );
            Ok(url.clone())
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
