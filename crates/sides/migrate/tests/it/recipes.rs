//! What is written instead of a refused statement: it ends where the plain one ends, and no row is lost.

use std::{fs, path::Path};

use sides_migrate::{
    Migration,
    check::{FixError, check, fix},
    shadow::catalogue,
};
use tempfile::TempDir;
use testing::TestDatabase;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::lane::{as_known, client, up};

const FIXTURE: &str = include_str!("classes.sql");

/// Statements of which a text can be made that others do not notice.
const RECIPES: &[&str] = &[
    "ALTER TABLE t ALTER COLUMN txt SET NOT NULL",
    "ALTER TABLE t ADD CHECK (b >= 0)",
    "ALTER TABLE t ADD CONSTRAINT \"Named\" CHECK (b >= 0 AND a > 0)",
    "ALTER TABLE t ADD CHECK (b >= 0 OR a > 0)",
    "ALTER TABLE t ADD FOREIGN KEY (r) REFERENCES ref (id) ON DELETE CASCADE",
    "ALTER TABLE t ADD CONSTRAINT x FOREIGN KEY (r) REFERENCES ref",
    "ALTER TABLE t ADD UNIQUE (id, txt)",
    "ALTER TABLE public.t ADD CONSTRAINT x UNIQUE NULLS NOT DISTINCT (id, r) INCLUDE (txt) DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE g ADD PRIMARY KEY (x)",
    "ALTER TABLE t ADD COLUMN z int CHECK (z > 0), ADD COLUMN y int, ALTER COLUMN txt SET NOT NULL",
    "CREATE INDEX ON t (txt, lower(s))",
    "CREATE UNIQUE INDEX x ON t (id, txt) WHERE a > 0",
    "DROP INDEX t_a, t_s",
    "REINDEX INDEX t_a",
    "REFRESH MATERIALIZED VIEW mv",
    "ALTER TABLE t ADD COLUMN z int DEFAULT 7 CHECK (z > 0)",
    "ALTER TABLE t ADD COLUMN z int UNIQUE",
    "ALTER TABLE t ADD COLUMN z bigint CONSTRAINT zz REFERENCES ref (id) ON DELETE SET NULL",
    "ALTER TABLE t ADD COLUMN z uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT clock_timestamp()",
    "ALTER TABLE t ADD COLUMN z bigserial",
    "ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ALTER COLUMN n TYPE numeric(12, 4)",
    "ALTER TABLE t ALTER COLUMN s2 TYPE varchar(5)",
    "ALTER TABLE t ALTER COLUMN ts SET DATA TYPE text USING to_char(ts, 'YYYY')",
    "ALTER TABLE t ALTER COLUMN s2 TYPE varchar(10) COLLATE \"C\"",
    "ALTER TABLE t ALTER COLUMN m TYPE bigint",
    "ALTER TABLE t RENAME COLUMN m TO amount",
    "ALTER TABLE t RENAME txt TO title",
    "ALTER TABLE c RENAME TO c2",
    "ALTER DOMAIN dom ADD CHECK (VALUE > 0)",
    "UPDATE t SET a = a + 1 WHERE b < 50",
    "DELETE FROM t WHERE id < 10",
    "TRUNCATE c",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_ends_in_the_catalogue_of_the_plain_statement_with_every_row() {
    let mut wrong = Vec::new();
    for some in RECIPES.chunks(6) {
        let mut tried = JoinSet::new();
        some.iter().for_each(|&statement| {
            tried.spawn(
                async move { compare(statement).await.err().map(|why| format!("{statement}\n  {why}")) },
            );
        });
        wrong.extend(tried.join_all().await.into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), RECIPES.len(), wrong.join("\n"));
}

async fn compare(statement: &str) -> Result<(), String> {
    let statement = as_known(statement).await;
    let statement = statement.as_str();
    let folder = folder(statement);
    let server = TestDatabase::empty().await;
    let written = rewritten(folder.path(), &server, statement).await?;

    let careful = TestDatabase::empty().await;
    let careful_client = client(&careful).await;
    up(&careful, &written[..1]).await.unwrap();
    for count in 2..=written.len() {
        write(&careful_client, count).await;
        up(&careful, &written[..count]).await.map_err(|error| error.to_string())?;
    }
    let plain = client(&server).await;
    plain.batch_execute(&fixture()).await.unwrap();
    for count in 2..=written.len() {
        write(&plain, count).await;
    }
    plain.batch_execute(statement).await.unwrap();

    let (expected, found) = (catalogue(&plain).await.unwrap(), catalogue(&careful_client).await.unwrap());
    let difference = expected.difference(&found);
    if !difference.is_empty() || expected.hash() != found.hash() {
        return Err(format!("{difference:#?}"));
    }
    for table in ["t", "ref", "g"] {
        if rows(&plain, table).await != rows(&careful_client, table).await {
            return Err(format!("other rows in {table}"));
        }
    }
    // What was written is not refused again.
    let again =
        check(server.url(), &written, |one| one.version() != "1").await.map_err(|error| error.to_string())?;
    match again.iter().find(|one| one.is_refused()) {
        Some(refused) => Err(format!("refused again: {refused:#?}")),
        None => Ok(()),
    }
}

/// What no text can be made for says what a person can do, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_must_write_is_said() {
    for (statement, advice) in [
        ("ALTER TABLE t ALTER COLUMN b TYPE bigint", "constraint ck on table t"),
        ("ALTER TABLE t ADD COLUMN z int GENERATED ALWAYS AS (a * 2) STORED", "by a trigger"),
        ("ALTER TABLE t ADD EXCLUDE USING btree (id WITH =)", "EXCLUDE"),
        ("ALTER TABLE p DETACH PARTITION p1", "default partition"),
        ("CLUSTER t USING t_a", "pg_repack"),
        ("ALTER TABLE t SET UNLOGGED", "swap the names"),
        ("ALTER TABLE t SET SCHEMA other", "a view in the new schema"),
        ("ALTER SCHEMA other RENAME TO another", "behind a view"),
        ("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (200)", "a CHECK equal to the"),
        ("ALTER TYPE mood RENAME VALUE 'a' TO 'aa'", "add the new value"),
        ("DROP FUNCTION f() CASCADE", "by its own name"),
        ("UPDATE t SET a = 1; UPDATE t SET b = 2", "migration of its own"),
        ("DROP TABLE ref CASCADE", "by its own name"),
    ] {
        let folder = folder(statement);
        let server = TestDatabase::empty().await;
        let all = Migration::read_all(folder.path()).unwrap();
        let found = check(server.url(), &all, |one| one.version() == "2").await.unwrap();
        assert!(found[0].is_refused(), "{statement}");
        let refused = fix(server.url(), folder.path(), &all, &all[1], &found[0]).await.unwrap_err();
        assert!(
            matches!(refused, FixError::ByHand { .. }) && refused.to_string().contains(advice),
            "{refused}"
        );
        assert_eq!(Migration::read_all(folder.path()).unwrap(), all);
    }
}

fn fixture() -> String {
    FIXTURE.replace("n numeric(10, 2)", "m int NOT NULL DEFAULT 3, n numeric(10, 2)")
}

fn folder(statement: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, up) in [("1_fixture", fixture().as_str()), ("2_change", statement)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("up.sql"), up).unwrap();
    }
    folder
}

/// The folder's migrations after the fix.
async fn rewritten(folder: &Path, server: &TestDatabase, statement: &str) -> Result<Vec<Migration>, String> {
    let all = Migration::read_all(folder).unwrap();
    let found = check(server.url(), &all, |one| one.version() == "2").await.unwrap();
    assert!(found[0].is_refused(), "{statement} is not refused: {found:#?}");
    fix(server.url(), folder, &all, &all[1], &found[0]).await.map_err(|error| error.to_string())?;
    Ok(Migration::read_all(folder).unwrap())
}

/// What old code writes between two steps of a series.
async fn write(client: &Client, count: usize) {
    client
        .batch_execute(&format!(
            "INSERT INTO t (b, s2, n, ts, r, m) VALUES (60, 'w{count}', 1.5, '2026-01-01', 1, {count});
             UPDATE t SET s2 = 'u{count}', n = {count}, txt = 'u{count}', m = m + 1 WHERE id = 100 + {count};
             DELETE FROM t WHERE id = 150 + {count}"
        ))
        .await
        .unwrap();
}

/// Every row; of `z`, which is random or counted in any order, only whether it is there.
async fn rows(client: &Client, table: &str) -> String {
    let query = format!(
        "SELECT coalesce(string_agg(row::text, E'\\n' ORDER BY row::text), '') FROM (
             SELECT to_jsonb({table}) - 'z' || jsonb_build_object('has_z', to_jsonb({table}) ->> 'z' IS NOT NULL) AS row
             FROM {table}) AS rows"
    );
    client.query_one(&query, &[]).await.unwrap().get(0)
}
