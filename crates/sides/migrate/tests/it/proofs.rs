//! What `check --fix` writes runs, ends where the plain migration ends, and old code works all the way; where it would
//! not, nothing is written.

use std::fs;

use sides_migrate::{
    Migration,
    check::{FixError, check, fix},
};
use tempfile::TempDir;
use testing::TestDatabase;
use tokio_postgres::Client;

use crate::lane::{as_known, ask, client, up};

fn folder(base: &str, change: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, up) in [("1_base", base), ("2_change", change)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("up.sql"), up).unwrap();
    }
    folder
}

/// What is written for a change of a base.
async fn fixed(server: &TestDatabase, base: &str, change: &str) -> Result<Vec<Migration>, FixError> {
    let folder = folder(base, &as_known(change).await);
    let all = Migration::read_all(folder.path()).unwrap();
    let found = check(server.url(), &all, |one| one.version() == "2").await.unwrap();
    assert!(found[0].is_refused(), "{change}: {found:#?}");
    let fixed = fix(server.url(), folder.path(), &all, &all[1], &found[0]).await;
    let now = Migration::read_all(folder.path()).unwrap();
    if fixed.is_err() {
        assert_eq!(now, all, "nothing is written");
    }
    fixed.map(|_| now)
}

async fn refusal(base: &str, change: &str) -> String {
    let server = TestDatabase::empty().await;
    match fixed(&server, base, change).await {
        Err(error) => error.to_string(),
        Ok(written) => panic!("{change}: {written:#?}"),
    }
}

/// The base and its fixed change, all applied.
async fn applied(base: &str, change: &str) -> (TestDatabase, Client) {
    let database = TestDatabase::empty().await;
    let all = fixed(&database, base, change).await.unwrap_or_else(|error| panic!("{change}: {error}"));
    up(&database, &all).await.unwrap_or_else(|error| panic!("{change}: {error}\n{all:#?}"));
    let again = check(database.url(), &all, |one| one.version() != "1").await.unwrap();
    assert!(again.iter().all(|one| !one.is_refused()), "{again:#?}");
    let client = client(&database).await;
    assert_eq!(ask(&client, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, "0", "{change}");
    (database, client)
}

const EVENTS: &str = "
    CREATE TABLE ev (id bigint, at date NOT NULL, k int, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM ('2020-01-01') TO ('2020-01-10');
    CREATE TABLE ev_2 PARTITION OF ev FOR VALUES FROM ('2020-01-10') TO ('2021-01-01') PARTITION BY RANGE (id);
    CREATE TABLE ev_2_few PARTITION OF ev_2 FOR VALUES FROM (0) TO (13);
    CREATE TABLE ev_2_rest PARTITION OF ev_2 DEFAULT;
    INSERT INTO ev SELECT n, '2020-01-01'::date + n, n, 'x' FROM generate_series(1, 20) AS n;
    CREATE SCHEMA app;
    CREATE TABLE app.log (id int NOT NULL, k int) PARTITION BY HASH (id);
    CREATE TABLE app.\"Log 0\" PARTITION OF app.log FOR VALUES WITH (MODULUS 1, REMAINDER 0)";

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_a_partitioned_table_is_made_partition_by_partition() {
    for change in [
        "CREATE INDEX ev_k ON ev (k)",
        "CREATE INDEX ON ev (k, lower(note)) INCLUDE (id) WHERE k > 3",
        "CREATE UNIQUE INDEX one_a_day ON ev (at, id, k)",
        "CREATE INDEX ON app.log USING hash (k)",
        "ALTER TABLE ev_2 ADD CONSTRAINT apart UNIQUE (id, k)",
        "ALTER TABLE ev_2 ADD CONSTRAINT apart UNIQUE NULLS NOT DISTINCT (id, k) INCLUDE (note) DEFERRABLE INITIALLY DEFERRED",
        "ALTER TABLE app.log ADD PRIMARY KEY (id)",
        "CREATE INDEX ev_2_k ON ev_2 (k DESC NULLS LAST)",
    ] {
        let (_database, client) = applied(EVENTS, change).await;
        let loose = "SELECT count(*) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
                     WHERE c.relispartition AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)
                       AND c.relname <> 'ev_2'";
        assert_eq!(ask(&client, loose).await, "0", "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_materialized_view_is_filled_anew_with_or_without_a_unique_index() {
    let base = "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n, n % 3 FROM generate_series(1, 30) AS n;
                CREATE MATERIALIZED VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a;
                COMMENT ON MATERIALIZED VIEW v IS 'how many'; COMMENT ON COLUMN v.n IS 'so many'";
    let more = "INSERT INTO t VALUES (100, 7)";
    for (hangs, change) in [
        ("SELECT 1", "REFRESH MATERIALIZED VIEW v"),
        (
            "CREATE INDEX v_a ON v (a); CREATE UNIQUE INDEX v_half ON v (n) WHERE n > 100",
            "REFRESH MATERIALIZED VIEW public.v",
        ),
        ("CREATE UNIQUE INDEX v_lower ON v (abs(a))", "REFRESH MATERIALIZED VIEW v WITH DATA"),
        ("CREATE UNIQUE INDEX v_u ON v (a)", "REFRESH MATERIALIZED VIEW v"),
    ] {
        let (_database, client) = applied(&format!("{base}; {hangs}; {more}"), change).await;
        assert_eq!(
            ask(&client, "SELECT string_agg(a::text, ',' ORDER BY a) FROM v").await,
            "0,1,2,7",
            "{hangs}"
        );
    }
    let hanging = format!("{base}; CREATE VIEW w AS SELECT n FROM v");
    let refused = refusal(&hanging, "REFRESH MATERIALIZED VIEW v").await;
    assert!(refused.contains("a unique index") && refused.contains("view w"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_end_elsewhere_is_not_written() {
    for (base, change, said) in [
        // The new column would come without them.
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int); ALTER TABLE t ALTER a SET (n_distinct = 5)",
            "ALTER TABLE t ALTER a TYPE bigint",
            "options={n_distinct=5}",
        ),
        // What only the catalogue shows of a fill.
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE FUNCTION top() RETURNS int STABLE LANGUAGE sql AS 'SELECT max(a) FROM t'",
            "UPDATE t SET a = a + top()",
            "it calls top()",
        ),
        (
            "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE VIEW top AS SELECT max(a) AS a FROM t",
            "UPDATE t SET a = (SELECT a FROM top)",
            "top reads t",
        ),
        // Postgres refuses the form that others would not notice.
        (
            "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE INDEX p_i ON p (id)",
            "DROP INDEX p_i",
            "cannot drop partitioned index",
        ),
    ] {
        let refused = refusal(base, change).await;
        assert!(refused.contains(said), "{change}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_in_the_place_of_an_old_one_keeps_its_rights_and_comment() {
    let database = TestDatabase::empty().await;
    let role = ask(&client(&database).await, "SELECT 'reader_' || current_database()").await;
    client(&database).await.batch_execute(&format!("CREATE ROLE {role}")).await.unwrap();
    let base = format!(
        "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 4, b text); GRANT SELECT (a), UPDATE (a) ON t TO {role} WITH GRANT OPTION;
         COMMENT ON COLUMN t.a IS 'it''s a'; ALTER TABLE t ALTER a SET STATISTICS 300, ALTER b SET STORAGE EXTERNAL;
         COMMENT ON COLUMN t.b IS 'b'"
    );
    for change in
        ["ALTER TABLE t ALTER a TYPE bigint", "ALTER TABLE t RENAME a TO c", "ALTER TABLE t RENAME b TO c"]
    {
        applied(&base, change).await;
    }
}

/// Before Postgres 18 a partitioned table has no foreign key that is checked later.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_of_a_partitioned_table_is_split_where_postgres_can() {
    let (base, change) = (
        "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT",
        "ALTER TABLE p ADD FOREIGN KEY (id) REFERENCES r (id)",
    );
    let database = TestDatabase::empty().await;
    let version = ask(&client(&database).await, "current_setting('server_version_num')::int / 10000").await;
    if version.parse::<u32>().unwrap() < 18 {
        let refused = refusal(base, change).await;
        assert!(refused.contains("cannot add NOT VALID foreign key"), "{refused}");
    } else {
        let written = fixed(&database, base, change).await.unwrap();
        assert!(written[1].up().contains("NOT VALID") && written[1].up().contains("VALIDATE"), "{written:?}");
    }
}
