//! A schema as comparable text, dumped by Postgres itself.

pub use crate::template::migrations;

use std::{path::PathBuf, process::Command};

use ::database::DatabaseUrl;
use tokio_postgres::{Config, config::Host};

/// The schema of a database as `pg_dump` writes it: every object with its owner's rights, no data, and none of
/// the migration runner's own tables.
///
/// # Panics
/// When `pg_dump` is missing or fails.
#[must_use]
pub fn dump(url: &DatabaseUrl) -> String {
    let output = Command::new(pg_dump())
        .args(["--schema-only", "--no-owner", "--exclude-schema=sides_migrate"])
        .arg("--exclude-table=public.__diesel_schema_migrations")
        // Not as arguments: everyone on the machine can see those.
        .envs(settings(url))
        .output()
        .expect("pg_dump belongs to every Postgres and can be run");
    assert!(output.status.success(), "pg_dump failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the test server's encoding is UTF-8");
    // Newer versions write a random key into each dump.
    text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).fold(
        String::new(),
        |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        },
    )
}

/// Compares two dumps.
///
/// # Panics
/// When they differ, showing the lines that do.
#[track_caller]
pub fn assert_same(expected: &str, found: &str, what: &str) {
    if expected == found {
        return;
    }
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    let added: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    panic!("{what}\nmissing: {missing:#?}\nadded: {added:#?}\n(or the same lines in another order)");
}

fn settings(url: &DatabaseUrl) -> Vec<(&'static str, String)> {
    let config: Config = url.expose().parse().expect("a checked address");
    let host = config.get_hosts().first().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.to_string_lossy().into_owned(),
    });
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    [
        ("PGHOST", host),
        ("PGPORT", config.get_ports().first().map(ToString::to_string)),
        ("PGUSER", config.get_user().map(str::to_owned)),
        ("PGPASSWORD", password),
        ("PGDATABASE", Some(url.database().to_owned())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// A client that is older than its server refuses to dump it, so the newest one there is.
fn pg_dump() -> PathBuf {
    postgres::program("pg_dump").unwrap_or_else(|| PathBuf::from("pg_dump"))
}
