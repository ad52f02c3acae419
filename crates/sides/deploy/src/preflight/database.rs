//! The database: reachable, writable, with the rights that a release needs, and not in use by another release.

use std::{error::Error, time::Duration};

use database::{ConnectError, DatabaseUrl};
use schema::releases::MAY_BE_STORED;
use tokio::time;
use tokio_postgres::{Client, Row, error::SqlState};

use super::Obstacle;
use crate::release::{Holder, WAIT_OR_BREAK_OFF};

/// A database that does not answer by then is away.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// What the first release makes, and later ones change. A right counts that the user can take with SET ROLE.
const RIGHTS: &str = "\
WITH own AS (SELECT oid FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')),
    known AS (SELECT to_regnamespace('sides') IS NOT NULL AS is_known)
SELECT current_user::text AS user, current_database()::text AS database, current_schema()::text AS schema,
    current_setting('default_transaction_read_only') = 'on' OR pg_is_in_recovery() AS read_only,
    is_known OR EXISTS (SELECT FROM own WHERE has_database_privilege(oid, current_database(), 'CREATE')) AS makes_schemas,
    is_known OR (current_schema() IS NOT NULL
        AND EXISTS (SELECT FROM own WHERE has_schema_privilege(oid, current_schema(), 'CREATE'))) AS makes_tables,
    CASE WHEN is_known THEN has_schema_privilege('sides', 'USAGE') ELSE true END AS uses_sides,
    CASE WHEN is_known AND has_schema_privilege('sides', 'USAGE') THEN MAY_BE_STORED ELSE true END AS writes_sides
FROM known";

pub(super) async fn look(url: &DatabaseUrl) -> Vec<Obstacle> {
    match time::timeout(ANSWER_LIMIT, ask(url)).await {
        Ok(Ok(obstacles)) => obstacles,
        Ok(Err(error)) => vec![away(url, &*error)],
        Err(_) => {
            let text = format!("{url} did not answer within {} s", ANSWER_LIMIT.as_secs());
            vec![Obstacle::new("DATABASE_URL", text, LET_IN)]
        }
    }
}

const LET_IN: &str = "check that the server is running and accepts this user: psql \"$DATABASE_URL\"";

async fn ask(url: &DatabaseUrl) -> Result<Vec<Obstacle>, Box<dyn Error + Send + Sync>> {
    let client = database::client(&url.with_application_name("sides release")).await?;
    let row = client.query_one(&RIGHTS.replace("MAY_BE_STORED", MAY_BE_STORED), &[]).await?;
    let mut obstacles = judge(&row);
    obstacles.extend(somebody_else(&client).await);
    Ok(obstacles)
}

async fn somebody_else(client: &Client) -> Option<Obstacle> {
    let holder = Holder::who_stays(client).await?;
    let text = format!("another release is in progress on this database: {holder}");
    Some(Obstacle::new("releases", text, WAIT_OR_BREAK_OFF))
}

fn judge(row: &Row) -> Vec<Obstacle> {
    let word = |name: &str| row.get::<_, Option<String>>(name).unwrap_or_default();
    let (user, database) = (word("user"), word("database"));
    let has = |name: &str| row.get::<_, bool>(name);
    let mut obstacles = Vec::new();
    if has("read_only") {
        let text =
            format!("{database} is read-only: it is a standby, or default_transaction_read_only is on");
        let next = "use the primary, or add target_session_attrs=read-write to the address";
        obstacles.push(Obstacle::new("writing", text, next));
    }
    let mut lacks = |is_there: bool, what: String, grant: String| {
        if !is_there {
            let next = format!("as the owner of {database}: {grant}");
            obstacles.push(Obstacle::new("rights", format!("{user} may not {what}"), next));
        }
    };
    lacks(
        has("makes_schemas"),
        format!("create the schema sides in {database}"),
        format!("GRANT CREATE ON DATABASE \"{database}\" TO \"{user}\""),
    );
    let schema = row.get::<_, Option<String>>("schema").unwrap_or_else(|| "public".to_owned());
    lacks(
        has("makes_tables"),
        format!("create tables in the schema {schema} of {database}"),
        format!("GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO \"{user}\""),
    );
    lacks(
        has("uses_sides"),
        format!("use the schema sides of {database}"),
        format!("GRANT USAGE ON SCHEMA sides TO \"{user}\""),
    );
    lacks(
        has("writes_sides"),
        format!("write to sides.releases of {database}"),
        format!("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA sides TO \"{user}\""),
    );
    obstacles
}

/// Why nobody answers, and whom to ask for what is missing.
fn away(url: &DatabaseUrl, error: &(dyn Error + 'static)) -> Obstacle {
    let chain: Vec<&(dyn Error + 'static)> =
        std::iter::successors(Some(error), |&cause| cause.source()).collect();
    let words: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let text = match error.is::<ConnectError>() {
        true => words.join(": "),
        false => format!("cannot read this user's rights on {url}: {}", words.join(": ")),
    };
    if error.downcast_ref::<ConnectError>().is_some_and(ConnectError::is_of_another_kind) {
        return Obstacle::new(
            "DATABASE_URL",
            text,
            "use a server that accepts writes, or allow this user to write there",
        );
    }
    let code = chain.iter().find_map(|cause| cause.downcast_ref::<tokio_postgres::Error>()?.code());
    let (user, name) = (url.user(), url.database());
    let next = match code {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            format!("as the owner of {name}: GRANT CONNECT ON DATABASE \"{name}\" TO \"{user}\"")
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            format!("as a superuser: CREATE DATABASE \"{name}\" OWNER \"{user}\"")
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            "close sessions that are not needed, or raise max_connections".to_owned()
        }
        _ => LET_IN.to_owned(),
    };
    Obstacle::new("DATABASE_URL", text, next)
}
