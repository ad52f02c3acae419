//! The present state: running instances, and the rights of a role.

use std::collections::BTreeSet;

use manifest::{CATALOGUE_SQL, Catalogue, Manifest};
use tokio_postgres::{Client, Error};

use super::rights::Right;

/// What running instances say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) manifests: Vec<Manifest>,
    /// Processes of which a copy runs that says nothing.
    pub(crate) silent: BTreeSet<String>,
}

/// Asks for every copy that may still run. One that was killed is counted for an hour.
pub(crate) async fn live(client: &Client) -> Result<Live, Error> {
    if !client.query_one(schema::instances::EXIST, &[]).await?.get::<_, bool>(0) {
        return Ok(Live::default());
    }
    let rows = client.query(schema::instances::MANIFESTS, &[]).await?;
    let mut live = Live::default();
    for row in &rows {
        let manifest = row.get::<_, Option<&str>>(1).and_then(|text| serde_json::from_str(text).ok());
        match manifest {
            Some(manifest) => live.manifests.push(manifest),
            None => drop(live.silent.insert(row.get(0))),
        }
    }
    Ok(live)
}

pub(crate) async fn catalogue(client: &Client) -> Result<Catalogue, Error> {
    let row = client.query_one(CATALOGUE_SQL, &[]).await?;
    Ok(Catalogue::read(row.get(0)).unwrap_or_default())
}

/// Rights that were given to the role itself.
pub(crate) async fn rights(client: &Client, role: &str) -> Result<BTreeSet<Right>, Error> {
    let rows = client
        .query(
            "WITH tables AS (
                 SELECT c.oid, c.relacl, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name
                 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             )
             SELECT t.name, acl.privilege_type, NULL::text FROM tables AS t, aclexplode(t.relacl) AS acl
             WHERE acl.grantee = $1::text::regrole
             UNION ALL
             SELECT t.name, acl.privilege_type, a.attname FROM tables AS t JOIN pg_attribute AS a ON a.attrelid = t.oid,
                 aclexplode(a.attacl) AS acl
             WHERE acl.grantee = $1::text::regrole AND NOT a.attisdropped",
            &[&role],
        )
        .await?;
    let right =
        |row: &tokio_postgres::Row| Right { table: row.get(0), privilege: row.get(1), column: row.get(2) };
    Ok(rows.iter().map(right).collect())
}
