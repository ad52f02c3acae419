//! Recreates on a private server the live server's roles that migrations name.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error};

use crate::sql::{Kind, tokens};

/// A role of the live server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    name: String,
    /// `SUPERUSER`, `NOCREATEDB`, …
    attributes: String,
    member_of: Vec<String>,
}

/// The live server's major version, the user of this session, and the roles.
pub(crate) async fn read(client: &Client) -> Result<(u32, String, Vec<Role>), Error> {
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int / 10000, session_user::text", &[])
        .await?;
    // Who administers a managed server is no superuser there, and may do what only superusers may elsewhere.
    let rows = client
        .query(
            "WITH memberships AS (
                 SELECT m.member, g.rolname::text FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
             )
             SELECT r.rolname::text,
                    concat_ws(' ',
                        CASE WHEN rolsuper OR EXISTS (
                            SELECT FROM memberships AS m WHERE m.member = r.oid
                              AND m.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin')
                        ) THEN 'SUPERUSER' END,
                        CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
                        CASE WHEN NOT rolinherit THEN 'NOINHERIT' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
                        CASE WHEN rolcanlogin OR r.rolname = session_user THEN 'LOGIN' END),
                    ARRAY(SELECT m.rolname FROM memberships AS m WHERE m.member = r.oid)
             FROM pg_roles AS r WHERE r.oid >= 16384 OR r.rolname = session_user",
            &[],
        )
        .await?;
    let roles =
        rows.iter().map(|row| Role { name: row.get(0), attributes: row.get(1), member_of: row.get(2) });
    let major: i32 = row.get(0);
    Ok((u32::try_from(major).unwrap_or_default(), row.get(1), roles.collect()))
}

/// The statements that make those roles that the texts name and do not make themselves.
pub(crate) fn statements(roles: &[Role], user: &str, texts: &[&str]) -> Vec<String> {
    let text = texts.join("\n").to_lowercase();
    let own: BTreeSet<String> = texts.iter().flat_map(|text| made(text)).collect();
    let Some(session) = roles.iter().find(|role| role.name == user) else { return Vec::new() };
    let wanted: Vec<&Role> = roles
        .iter()
        .filter(|role| !own.contains(&role.name) || role.name == user)
        .filter(|role| {
            role.name == user
                || text.contains(&role.name.to_lowercase())
                || session.member_of.contains(&role.name)
        })
        .collect();
    let is_there = |name: &String| name.starts_with("pg_") || wanted.iter().any(|role| role.name == *name);
    let create = wanted
        .iter()
        .filter(|role| role.name != "postgres")
        .map(|role| format!("CREATE ROLE {} {}", quoted(&role.name), role.attributes));
    let grant = wanted.iter().flat_map(|role| {
        let groups = role.member_of.iter().filter(|group| is_there(group));
        groups.map(|group| format!("GRANT {} TO {}", quoted(group), quoted(&role.name)))
    });
    create.chain(grant).collect()
}

/// The roles that a text makes, also in the code that it runs.
fn made(text: &str) -> Vec<String> {
    let found = tokens(text);
    let mut names: Vec<String> = found
        .windows(3)
        .filter(|three| three[0].is("create"))
        .filter(|three| ["role", "user", "group"].iter().any(|word| three[1].is(word)))
        .filter_map(|three| match three[2].kind {
            Kind::Word => Some(three[2].text.to_lowercase()),
            Kind::Name => Some(three[2].text.trim_matches('"').replace("\"\"", "\"")),
            _ => None,
        })
        .collect();
    for token in found.iter().filter(|token| matches!(token.kind, Kind::Code | Kind::Text | Kind::Escaped)) {
        let inside = token.text.trim_start_matches(|one| one != '\'' && one != '$');
        let inside = match token.kind {
            Kind::Code => inside[1..].split_once('$').map_or("", |(_, body)| body),
            _ => inside.trim_matches('\''),
        };
        if inside.len() < token.text.len() && inside.to_ascii_lowercase().contains("create") {
            names.extend(made(inside));
        }
    }
    names
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, member_of: &[&str]) -> Role {
        Role {
            name: name.to_owned(),
            attributes: "LOGIN".to_owned(),
            member_of: member_of.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn roles_are_made_that_are_named_and_not_made_by_the_migrations() {
        let roles = [
            role("app", &["owner", "pg_monitor"]),
            role("owner", &[]),
            role("reader", &[]),
            role("made", &[]),
            role("other", &[]),
        ];
        let texts = ["CREATE ROLE made NOLOGIN", "GRANT SELECT ON t TO made, reader"];
        assert_eq!(
            statements(&roles, "app", &texts),
            [
                "CREATE ROLE \"app\" LOGIN",
                "CREATE ROLE \"owner\" LOGIN",
                "CREATE ROLE \"reader\" LOGIN",
                "GRANT \"owner\" TO \"app\"",
                "GRANT \"pg_monitor\" TO \"app\"",
            ]
        );
    }

    #[test]
    fn a_role_may_be_made_in_code() {
        assert_eq!(made("DO $x$ BEGIN CREATE USER a; EXECUTE 'CREATE ROLE b'; END $x$"), ["a", "b"]);
        assert_eq!(made("CREATE ROLE \"Odd Name\"; SELECT 'create'"), ["Odd Name"]);
    }
}
