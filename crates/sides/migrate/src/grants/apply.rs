//! Grants a process's role what its releases need, and revokes what none needs.

use std::collections::BTreeSet;

use database::DatabaseUrl;
use manifest::{Catalogue, Manifest};
use serde::Serialize;
use tokio_postgres::Client;

use super::{
    needs::{by_process, needs, role},
    present::{self, Live},
    rights::{self, Right},
};
use crate::{Event, MigrateError, Options, roles, session};

/// What became of one process's role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// The process.
    pub process: String,
    /// Its role.
    pub role: String,
    /// The statements that were run.
    pub statements: Vec<String>,
    /// Why less was done than was asked.
    pub warning: Option<String>,
}

/// Gives the role of each process what the running releases and `manifests` declare together. With `narrow` it also
/// takes what neither declares.
///
/// A user who may not make roles is warned, and nothing fails: the process then has the user's own rights.
///
/// # Errors
/// When the database is unavailable or refuses a statement.
pub async fn grant(
    url: &DatabaseUrl,
    manifests: &[Manifest],
    narrow: bool,
    options: &Options,
    tell: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<Granted>, MigrateError> {
    let client = session::open(url, options, tell).await?;
    let Live { manifests: running, silent } = present::live(&client).await?;
    let catalogue = present::catalogue(&client).await?;
    let all: Vec<Manifest> = running.into_iter().chain(manifests.iter().cloned()).collect();
    let mut granted = Vec::new();
    for (process, declared) in by_process(&all) {
        let Some(role) = role(process).filter(|role| role != roles::SCHEDULER) else { continue };
        let is_kept = narrow && silent.contains(process);
        let mut one = Granted { process: process.to_owned(), role, ..Granted::default() };
        if let Err(warning) = make(&client, &one.role).await? {
            one.warning = Some(warning);
        } else {
            one.statements =
                run(&client, &one.role, &needs(&declared, &catalogue), &catalogue, narrow && !is_kept)
                    .await?;
        }
        if is_kept {
            let warning = format!(
                "an instance of {process} is running that does not say what it uses, so no rights were \
                         revoked"
            );
            one.warning.get_or_insert(warning);
        }
        granted.push(one);
    }
    Ok(granted)
}

/// Makes the role where it is missing, or says why it cannot.
async fn make(client: &Client, role: &str) -> Result<Result<(), String>, MigrateError> {
    if roles::make(client, role).await? {
        return Ok(Ok(()));
    }
    Ok(Err(format!(
        "the database user may not make roles, so the process keeps the user's own rights; have somebody run: \
         CREATE ROLE {role} NOLOGIN; GRANT {role} TO CURRENT_USER (as this user), or give it CREATEROLE"
    )))
}

async fn run(
    client: &Client,
    role: &str,
    wanted: &BTreeSet<Right>,
    catalogue: &Catalogue,
    narrow: bool,
) -> Result<Vec<String>, MigrateError> {
    let present = present::rights(client, role).await?;
    let mut statements = ways_in(client, role, wanted).await?;
    statements.extend(rights::grants(role, wanted, &present));
    if narrow {
        // Of what is not in the catalogue nothing is known.
        let known = present.into_iter().filter(|right| catalogue.tables.contains_key(&right.table)).collect();
        statements.extend(rights::revokes(role, wanted, &known));
    }
    if !statements.is_empty() {
        // All or nothing: a process that has half of its rights is worse than one that waits.
        client.batch_execute(&format!("BEGIN; {}; COMMIT", statements.join("; "))).await?;
    }
    Ok(statements)
}

/// Schemas and sequences, without which rights on tables are of no use.
async fn ways_in(client: &Client, role: &str, wanted: &BTreeSet<Right>) -> Result<Vec<String>, MigrateError> {
    let tables: Vec<String> = wanted.iter().map(|right| rights::written(&right.table)).collect();
    let rows = client
        .query(
            "SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, $2::text)
             FROM unnest($1::text[]) AS t (name) JOIN pg_class AS c ON c.oid = to_regclass(t.name)
             JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE NOT has_schema_privilege($2, n.oid, 'USAGE')
             UNION
             SELECT format('GRANT USAGE ON SEQUENCE %s TO %I', s.oid::regclass, $2::text)
             FROM unnest($1::text[]) AS t (name) JOIN pg_depend AS d ON d.refobjid = to_regclass(t.name)
             JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
             WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
               AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege($2, s.oid, 'USAGE') END",
            &[&tables, &role],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
