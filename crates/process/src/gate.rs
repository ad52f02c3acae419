//! The way to the database at the start: it must answer, be migrated, and let this process act.

use std::time::{Duration, Instant};

use database::{ConnectError, Connection, DatabaseUrl};
use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::RunQueryDsl as _;

use release::Manifest;

use crate::{Check, chain, complaint::Complaint, fit, settings::RoleChoice};

const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The advisory lock that the migration runner holds: the bytes of "sidesmig".
const RUNNER_LOCK: i64 = i64::from_be_bytes(*b"sidesmig");

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
    let (name, required) = match role {
        RoleChoice::None => return Ok(url.clone()),
        RoleChoice::Preferred(name) => (*name, false),
        RoleChoice::Required(name) => (name.as_str(), true),
    };
    if may_act_as(&mut connection, name).await? {
        return Ok(url.with_role(name));
    }
    if migrations_run(&mut connection).await? {
        return Err(Refusal::Migrating);
    }
    if required {
        return Err(Refusal::Role(name.to_owned()));
    }
    tracing::warn!(
        "there is no role {name} that the database user may act as: this process has the user's own rights. \
         Run the migrations as a user that may create roles, or create {name} and grant it"
    );
    Ok(url.clone())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    answer: bool,
}

fn yes(answer: Result<Answer, diesel::result::Error>) -> Result<bool, Refusal> {
    answer.map(|row| row.answer).map_err(Refusal::Query)
}

async fn may_act_as(connection: &mut Connection, role: &str) -> Result<bool, Refusal> {
    let query = "SELECT pg_has_role(oid, 'MEMBER') AS answer FROM pg_roles WHERE rolname = $1";
    let answer: Option<Answer> = diesel::sql_query(query)
        .bind::<Text, _>(role)
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
    yes(diesel::sql_query(query).bind::<BigInt, _>(RUNNER_LOCK).get_result(connection).await)
}
