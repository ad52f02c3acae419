//! Roles and databases whose defaults are unusual: what is planned, checked and applied is the same.

use sides_migrate::{
    MigrateError, Migration, Revert,
    check::{check, fix},
    class::{Phase, Reason},
};
use testing::{Bouncer, TestDatabase};

use crate::lane::{ask, client, hasty, lane};

/// Settings that a database may have, some at a time.
const ODD: &[&[&str]] = &[
    &["idle_session_timeout = '100ms'"],
    &[
        "statement_timeout = '2ms'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "transaction_timeout = '30ms'",
        "search_path = ''",
    ],
    &[
        "search_path = pg_temp, pg_catalog, sides, nowhere",
        "standard_conforming_strings = off",
        "backslash_quote = off",
        "row_security = off",
        "check_function_bodies = off",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "quote_all_identifiers = on",
        "transform_null_equals = on",
        "array_nulls = off",
        "xmloption = document",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = iso_8601",
        "TimeZone = 'Asia/Kathmandu'",
        "bytea_output = escape",
        "extra_float_digits = -15",
        "plan_cache_mode = force_custom_plan",
        "enable_seqscan = off",
        "client_min_messages = error",
        "jit_above_cost = 0",
        "work_mem = '64kB'",
        "lc_messages = 'C'",
        "vacuum_cost_delay = 100",
        "client_encoding = latin1",
        "plpgsql.variable_conflict = use_column",
    ],
];

fn migrations() -> Vec<Migration> {
    let mut all = lane(&[
        (
            "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'a\\b', at timestamp, b text[] DEFAULT '{NULL}')",
            "DROP TABLE t",
        ),
        ("INSERT INTO t (id) SELECT generate_series(1, 500)", "DELETE FROM t"),
        (
            "COMMENT ON TABLE t IS 'ends with \\'; ALTER TABLE t ADD COLUMN c int",
            "ALTER TABLE t DROP COLUMN c; COMMENT ON TABLE t IS NULL",
        ),
        ("CREATE INDEX CONCURRENTLY t_c ON t (c)", "DROP INDEX t_c"),
        ("UPDATE t SET c = id WHERE c IS NULL", ""),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM t WHERE a ~ ''^a.b$'''",
            "DROP FUNCTION f()",
        ),
        ("DO $$ BEGIN PERFORM pg_sleep(0.12); END $$", "SELECT 1"),
    ]);
    all[4] = all[4].clone().with_metadata("phase = \"backfill\"").unwrap();
    all
}

async fn odd(settings: &[&str]) -> TestDatabase {
    let database = TestDatabase::empty().await;
    let (admin, name) = (client(&database).await, database.url().database());
    for setting in settings {
        let set = admin.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await;
        // One of a newer version.
        assert!(set.is_ok() || setting.starts_with("transaction_timeout"), "{setting}: {set:?}");
    }
    database
}

/// What is said of the migrations: `check`'s and `plan`'s.
async fn said(database: &TestDatabase, all: &[Migration]) -> String {
    let checked = check(database.url(), all, |_| true).await;
    let checked = checked.unwrap_or_else(|error| panic!("check: {}", database::chain(&error)));
    let planned = sides_migrate::preview(database.url(), None, all).await;
    let planned = planned.unwrap_or_else(|error| panic!("plan: {}", database::chain(&error)));
    let checked = serde_json::to_string_pretty(&checked).unwrap();
    checked + &serde_json::to_string_pretty(&planned).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_sessions_begin_with_by_default_everything_is_said_and_done_as_usual() {
    let all = migrations();
    let usual = said(&TestDatabase::empty().await, &all).await;
    for setting in ODD {
        let database = odd(setting).await;
        assert_eq!(said(&database, &all).await, usual, "{setting:?}");
        let url = database.url();
        sides_migrate::apply(url, &all, &hasty(), &mut |_| {})
            .await
            .unwrap_or_else(|error| panic!("{setting:?}: {}", database::chain(&error)));
        let eye = database::unlimited_client(url).await.unwrap();
        eye.batch_execute("SET search_path = public; SET standard_conforming_strings = on").await.unwrap();
        assert_eq!(
            ask(&eye, "SELECT count(*) FILTER (WHERE c = id AND b[1] IS NULL) FROM t").await,
            "500",
            "{setting:?}"
        );
        assert_eq!(ask(&eye, "f()").await, "500", "{setting:?}");
        let states = sides_migrate::status(url, &all).await.unwrap();
        assert_eq!(states.len(), all.len(), "{setting:?}");
        assert_eq!(sides_migrate::drift(url, None, &all).await.unwrap(), Vec::<String>::new(), "{setting:?}");
        // All but the one that has no way back, and what is before it.
        sides_migrate::revert(url, &all, Revert::Newest(2), &hasty(), &mut |_| {})
            .await
            .unwrap_or_else(|error| panic!("{setting:?}: {}", database::chain(&error)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_defaults_decide_is_decided_on_the_scratch_server_too() {
    let table = "CREATE TABLE t (id int PRIMARY KEY, at timestamp)";
    let to_zone = "ALTER TABLE t ALTER COLUMN at TYPE timestamptz";
    for (zone, rewrites) in [("UTC", false), ("Europe/Berlin", true)] {
        let database = odd(&[&format!("TimeZone = '{zone}'")]).await;
        let all = lane(&[(table, ""), (to_zone, "")]);
        let checked = check(database.url(), &all, |one| one.version() == "2").await.unwrap().remove(0);
        let is_rewrite = checked.statements[0].class.refused == Some(Reason::Rewrite);
        assert_eq!(is_rewrite, rewrites, "{zone}: {checked:?}");
        assert_eq!(checked.phase, Phase::Contract, "{zone}: who prepared a statement fails");
    }
    // Who logs in as one role and acts as another.
    let database = TestDatabase::empty().await;
    let admin = client(&database).await;
    let name = database.url().database();
    admin
        .batch_execute(&format!(
            "CREATE ROLE owner_of_{name} NOLOGIN; CREATE ROLE login_{name} LOGIN PASSWORD 'p' IN ROLE owner_of_{name};
             ALTER ROLE login_{name} SET role = owner_of_{name};
             GRANT CREATE ON DATABASE {name} TO owner_of_{name}; GRANT CREATE ON SCHEMA public TO owner_of_{name}"
        ))
        .await
        .unwrap();
    let whole = database.url().expose();
    let address = whole.split_once('@').map_or_else(|| whole.split_once("://").unwrap().1, |(_, rest)| rest);
    let url = format!("postgres://login_{name}:p@{address}").parse().unwrap();
    let all = lane(&[
        ("CREATE TABLE t (id int PRIMARY KEY)", ""),
        (
            &format!(
                "DO $$ BEGIN ASSERT current_user = 'owner_of_{name}'; END $$; ALTER TABLE t ADD COLUMN a int"
            ),
            "",
        ),
    ]);
    check(&url, &all, |_| true).await.unwrap_or_else(|error| panic!("{}", database::chain(&error)));
    sides_migrate::apply(&url, &all, &hasty(), &mut |_| {}).await.unwrap();
    let owner = ask(&admin, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 't'").await;
    assert_eq!(owner, format!("owner_of_{name}"));
    drop(admin);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_is_proved_whatever_sessions_begin_with() {
    let folder = tempfile::tempdir().unwrap();
    for setting in
        ["idle_session_timeout = '100ms'", "standard_conforming_strings = off", "statement_timeout = '2ms'"]
    {
        let database = odd(&[setting]).await;
        let all = lane(&[
            ("CREATE TABLE t (id int PRIMARY KEY, a int, n text DEFAULT '\\')", ""),
            ("CREATE INDEX t_a ON t (a)", ""),
        ]);
        let checked = check(database.url(), &all, |one| one.version() == "2").await.unwrap().remove(0);
        std::fs::create_dir_all(folder.path().join("2_m")).unwrap();
        std::fs::write(folder.path().join("2_m/up.sql"), all[1].up()).unwrap();
        let fixed = fix(database.url(), folder.path(), &all, &all[1], &checked).await;
        fixed.unwrap_or_else(|error| panic!("{setting:?}: {}", database::chain(&error)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused_and_gets_no_settings() {
    let database = TestDatabase::empty().await;
    let all = lane(&[("CREATE TABLE t (id int)", "")]);
    for mode in ["pool_mode = transaction", "pool_mode = statement"] {
        let bouncer = Bouncer::before(database.url(), &[mode, "default_pool_size = 2"]).await;
        let url = bouncer.url();
        let refused = [
            sides_migrate::apply(url, &all, &hasty(), &mut |_| {}).await.err(),
            sides_migrate::preview(url, None, &all).await.err(),
            sides_migrate::status(url, &all).await.err(),
            sides_migrate::drift(url, None, &all).await.err(),
            check(url, &all, |_| true).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(MigrateError::Pooled)), "{mode}: {error:?}");
        }
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
        let folder = tempfile::tempdir().unwrap();
        command.env("DATABASE_URL", url.expose()).arg("--folder").arg(folder.path());
        let output = command.arg("up").output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{}", String::from_utf8_lossy(&output.stderr));
        // Another program, in whichever session.
        for _ in 0..6 {
            let other = database::client(url).await.unwrap();
            let answer = other.simple_query("SHOW search_path").await.unwrap();
            let row = answer.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(row, Some("\"$user\", public"), "{mode}");
        }
    }
}
