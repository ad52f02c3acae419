//! Each recipe beside readers and writers: no statement fails, and what was written is there afterwards.

use std::fs;

use sides_migrate::{
    Migration,
    check::{check, fix},
};
use tempfile::TempDir;
use testing::TestDatabase;

use crate::{
    lane::{ask, client, hasty},
    load::Load,
};

const FIXTURE: &str = include_str!("classes.sql");

/// Changes that code notices neither before nor after.
const UNNOTICED: &[&str] = &[
    "ALTER TABLE t ALTER COLUMN txt SET NOT NULL",
    "ALTER TABLE t ADD CHECK (b >= 0)",
    "ALTER TABLE t ADD FOREIGN KEY (r) REFERENCES ref (id) ON DELETE CASCADE",
    "ALTER TABLE t ADD UNIQUE (id, txt)",
    "ALTER TABLE g ADD PRIMARY KEY (x)",
    "CREATE INDEX ON t (txt, lower(s))",
    "DROP INDEX t_s",
    "REINDEX INDEX t_a",
    "REFRESH MATERIALIZED VIEW mv",
    "ALTER TABLE t ADD COLUMN z1 int DEFAULT 7 CHECK (z1 > 0)",
    "ALTER TABLE t ADD COLUMN z2 int UNIQUE",
    "ALTER TABLE t ADD COLUMN z3 bigint REFERENCES ref (id) ON DELETE SET NULL",
    "ALTER TABLE t ADD COLUMN z4 uuid NOT NULL DEFAULT gen_random_uuid()",
    "ALTER TABLE t ADD COLUMN z5 bigserial",
    "ALTER TABLE t ADD COLUMN z6 int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE t ALTER COLUMN n TYPE numeric(12, 4)",
    "ALTER TABLE t ALTER COLUMN s2 TYPE varchar(10) COLLATE \"C\"",
    "ALTER TABLE t ALTER COLUMN m TYPE bigint",
    "ALTER DOMAIN dom ADD CHECK (VALUE > 0)",
    "ALTER TABLE q DETACH PARTITION q1",
    "UPDATE t SET a = a + 1 WHERE id <= 200",
    "DELETE FROM t WHERE id < 10",
    "TRUNCATE emptied",
];

const CODE: &[&str] = &[
    "INSERT INTO t (txt, n, s2, r, d, m) VALUES ('kept {}', 1.5, 's{}', 1 + {} % 50, 5, {}); SELECT a, b, txt, m FROM t WHERE txt = 'kept {}'",
    "INSERT INTO t (txt, r, m) VALUES ('gone {}', 2, 1); DELETE FROM t WHERE txt = 'gone {}'; INSERT INTO g (x) VALUES (1000 + {})",
    "UPDATE t SET s = 'u{}', m = m + 1 WHERE id = 10 + {} % 150; SELECT count(*) FROM v; SELECT count(*) FROM mv",
    "SELECT t.id, t.txt, ref.id FROM t JOIN ref ON ref.id = t.r WHERE t.id > 190; SELECT count(*) FROM q",
    "BEGIN; SELECT a FROM t WHERE id = 20 FOR UPDATE; INSERT INTO ref VALUES (1000 + {}); COMMIT; SELECT count(*) FROM emptied",
];

/// Without the columns whose type changes: that is felt, and so comes last.
const PREPARED: &[&str] = &[
    "INSERT INTO t (txt, r) VALUES ('prepared', 3) RETURNING id, b",
    "SELECT id, a, b, txt, s FROM t WHERE id = 20",
    "UPDATE t SET b = 3 WHERE id = 21 RETURNING b, txt",
    "DELETE FROM t WHERE txt = 'prepared' RETURNING id",
    "SELECT x, y FROM g WHERE x = 5",
    "SELECT id, a FROM v WHERE id = 5",
    "SELECT id, a FROM mv WHERE id = 5",
    "SELECT ref.id FROM ref JOIN t ON t.r = ref.id WHERE t.id = 30",
    "SELECT k FROM q",
];

/// A folder with the fixture and these changes, each as `check --fix` writes it.
async fn folder(database: &TestDatabase, changes: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let add = |number: usize, up: &str| {
        let own = folder.path().join(format!("{number:04}00_change"));
        fs::create_dir(&own).unwrap();
        fs::write(own.join("up.sql"), up).unwrap();
    };
    let fixture = FIXTURE.replace("n numeric(10, 2)", "m int NOT NULL DEFAULT 3, n numeric(10, 2)");
    add(1, &format!("{fixture} CREATE TABLE emptied AS SELECT generate_series(1, 3000) AS n;"));
    changes.iter().enumerate().for_each(|(place, up)| add(place + 2, up));
    let all = Migration::read_all(folder.path()).unwrap();
    let found = check(database.url(), &all, |one| one.version() != "000100").await.unwrap();
    for (migration, checked) in all[1..].iter().zip(&found) {
        assert!(checked.is_refused(), "{checked:#?}");
        // Each as if it came first, beside the tables that are there from the beginning.
        let lane = [all[0].clone(), migration.clone()];
        fix(database.url(), folder.path(), &lane, migration, checked).await.unwrap();
    }
    folder
}

async fn apply(database: &TestDatabase, all: &[Migration]) {
    // Somebody always holds the locks that a change needs, for a moment.
    let patient = sides_migrate::Options { tries: 1000, ..hasty() };
    sides_migrate::apply(database.url(), all, &patient, &mut |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_code_does_not_notice_fails_none_of_its_statements_and_loses_no_row() {
    let database = TestDatabase::empty().await;
    let folder = folder(&database, UNNOTICED).await;
    let all = Migration::read_all(folder.path()).unwrap();
    apply(&database, &all[..1]).await;
    let load = Load::start(&database, CODE).await;
    let prepared = Load::prepared(&database, PREPARED).await;
    apply(&database, &all).await;
    prepared.end().await;
    let rounds = load.end().await;

    let eye = client(&database).await;
    let kept =
        "SELECT format('%s %s', count(DISTINCT txt), bool_and(m = split_part(txt, ' ', 2)::bigint)) FROM t
                WHERE txt LIKE 'kept %'";
    assert_eq!(ask(&eye, kept).await, format!("{} t", rounds[0]));
    assert_eq!(ask(&eye, "SELECT count(*) FROM ref WHERE id > 1000").await, rounds[4].to_string());
    assert_eq!(ask(&eye, "SELECT count(*) FROM t WHERE txt LIKE 'gone %'").await, "0");
    assert_eq!(ask(&eye, "SELECT format('%s %s', count(*), count(*) FILTER (WHERE a = id + 1)) FROM t WHERE id BETWEEN 10 AND 200").await, "191 191");
    assert_eq!(
        ask(&eye, "SELECT count(*) FROM t WHERE id < 10 OR z4 IS NULL OR z5 IS NULL OR z6 IS NULL").await,
        "0"
    );
    assert_eq!(ask(&eye, "SELECT count(*) FROM emptied").await, "0");
    assert_eq!(ask(&eye, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, "0");
}

/// A column's and a table's new name: old code until the last step, new code before it, both at work in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_rename_fails_neither_old_nor_new_code() {
    const OLD: &[&str] = &[
        "INSERT INTO t (txt, m) VALUES ('old {}', 1); SELECT txt FROM t WHERE txt = 'old {}'; UPDATE t SET txt = txt || '!' WHERE id = 1 + {} % 100",
        "INSERT INTO c (id, r) VALUES ({}, 1); UPDATE c SET r = 2 WHERE id = {}; SELECT id, r FROM c WHERE id = {}",
    ];
    const NEW: &[&str] = &[
        "INSERT INTO t (title, m) VALUES ('new {}', 1); SELECT title FROM t WHERE title = 'new {}'; UPDATE t SET title = title || '?' WHERE id = 101 + {} % 100",
        "INSERT INTO c2 (id, r) VALUES (-{}, 1); SELECT id, r FROM c2 WHERE id = -{}",
    ];
    let database = TestDatabase::empty().await;
    let folder =
        folder(&database, &["ALTER TABLE t RENAME txt TO title", "ALTER TABLE c RENAME TO c2"]).await;
    let all = Migration::read_all(folder.path()).unwrap();
    apply(&database, &all[..1]).await;
    let old = Load::start(&database, OLD).await;
    let is_last = |one: &Migration| one.name().ends_with("drop_old") || one.name().ends_with("drop_view");
    let first: Vec<Migration> = all.iter().filter(|one| !is_last(one)).cloned().collect();
    assert_eq!(all.len() - first.len(), 2);
    apply(&database, &first).await;
    let new = Load::start(&database, NEW).await;
    let eye = client(&database).await;
    let both = "SELECT count(*) FILTER (WHERE title LIKE 'new %') > 20 AND count(*) FILTER (WHERE title LIKE 'old %') > 20 FROM t";
    testing::wait_until("both are at work", std::time::Duration::from_secs(60), async || {
        ask(&eye, both).await == "true"
    })
    .await;
    assert_eq!(ask(&eye, "SELECT count(*) FROM t WHERE txt IS DISTINCT FROM title").await, "0");
    let old = old.end().await;
    let options = sides_migrate::Options { tries: 1000, out_of_order: true, ..hasty() };
    sides_migrate::apply(database.url(), &all, &options, &mut |_| {}).await.unwrap();
    let new = new.end().await;

    // Each round, of old code and of new, has left its row in both tables.
    let counts = |what: &str| {
        format!(
            "SELECT format('%s %s', count(*) FILTER (WHERE {what}), count(*) FILTER (WHERE NOT ({what}))) FROM"
        )
    };
    let rows = ask(
        &eye,
        &format!("{} t WHERE title <> 'x' AND title NOT SIMILAR TO 'x[!?]+'", counts("title LIKE 'old %'")),
    )
    .await;
    assert_eq!(rows, format!("{} {}", old[0], new[0]));
    let rows = ask(&eye, &format!("{} c2", counts("id > 0"))).await;
    assert_eq!(rows, format!("{} {}", old[1], new[1]));
    let lost =
        "SELECT count(*) FROM t WHERE title IS NULL OR title NOT SIMILAR TO '(x|old \\d+|new \\d+)[!?]*'";
    assert_eq!(ask(&eye, lost).await, "0");
    assert_eq!(
        ask(&eye, "SELECT bool_and(r = CASE WHEN id > 0 THEN 2 ELSE 1 END) FROM c2 WHERE id <> 0").await,
        "true"
    );
    assert_eq!(ask(&eye, "SELECT format('%s %s', to_regclass('c'), count(*)) FROM information_schema.columns WHERE column_name = 'txt' AND table_name = 't'").await, " 0");
}
