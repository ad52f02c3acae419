//! What is said, and what stays, when something is wrong.

use sides_migrate::{MigrateError, Refusal};
use testing::TestDatabase;

use crate::lane::{ask, client, down, lane, up};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_statement_is_named_with_its_line_and_nothing_of_its_migration_stays() {
    let database = TestDatabase::empty().await;
    let all = lane(&[
        ("CREATE TABLE kept ()", ""),
        (
            "CREATE TABLE gone ();\n\n-- a remark\nALTER TABLE gone\n  ADD COLUMN a int,\n  ADD COLUMN b nonsense;",
            "",
        ),
    ]);
    let error = up(&database, &all).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "migrations/2_m/up.sql line 6: `ALTER TABLE gone ADD COLUMN a int, ADD COLUMN b nonsense`: \
         type \"nonsense\" does not exist (42704)\nnothing of this migration was applied; correct it and run again"
    );
    let client = client(&database).await;
    assert_eq!(ask(&client, "to_regclass('kept') IS NOT NULL AND to_regclass('gone') IS NULL").await, "true");
    assert_eq!(ask(&client, "SELECT string_agg(version, ' ') FROM __diesel_schema_migrations").await, "1");

    let mended = lane(&[("CREATE TABLE kept ()", ""), ("CREATE TABLE gone ()", "")]);
    assert_eq!(up(&database, &mended).await.unwrap(), ["2_m"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constraint_that_is_checked_at_the_end_still_has_a_say() {
    let database = TestDatabase::empty().await;
    let all = lane(&[(
        "CREATE TABLE a (id int PRIMARY KEY);
         CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO b VALUES (1)",
        "",
    )]);
    let error = up(&database, &all).await.unwrap_err().to_string();
    assert!(
        error.contains("violates foreign key constraint") && error.contains("detail: Key (a)=(1)"),
        "{error}"
    );
    assert_eq!(ask(&client(&database).await, "to_regclass('a')").await, "NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_and_late_migrations_change_nothing() {
    let database = TestDatabase::empty().await;
    let all = lane(&[("CREATE TABLE a ()", ""), ("CREATE TABLE b ()", ""), ("CREATE TABLE c ()", "")]);
    up(&database, &[all[0].clone(), all[2].clone()]).await.unwrap();
    let late = up(&database, &all).await.unwrap_err();
    assert!(matches!(&late, MigrateError::Refused(Refusal::OutOfOrder { .. })), "{late}");
    assert!(late.to_string().contains("migrations/2_m is older than the applied 3_m"), "{late}");

    let edited = lane(&[("CREATE TABLE other ()", "")]);
    let error = up(&database, &edited).await.unwrap_err().to_string();
    assert!(error.contains("    -CREATE TABLE a ()\n    +CREATE TABLE other ()\n"), "{error}");
    let client = client(&database).await;
    assert_eq!(ask(&client, "coalesce(to_regclass('b'), to_regclass('other'))").await, "NULL");

    // The file is right, somebody says.
    let accepted =
        sides_migrate::repair(database.url(), &edited, &sides_migrate::Options::default()).await.unwrap();
    assert_eq!(accepted, ["1_m"]);
    assert!(up(&database, &edited).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_work_is_refused_before_anything_is_done() {
    let database = TestDatabase::empty().await;
    let own = lane(&[("CREATE TABLE a ()", ""), ("BEGIN;\nCREATE TABLE b ();\nCOMMIT;", "")]);
    let error = up(&database, &own).await.unwrap_err().to_string();
    assert!(error.contains("migrations/2_m/up.sql line 1: `BEGIN`: the runner begins and ends"), "{error}");

    let mut insists = lane(&[("CREATE TABLE a (); CREATE INDEX CONCURRENTLY i ON a ((1))", "")]);
    insists[0] = insists[0].clone().with_metadata("run_in_transaction = true").unwrap();
    let error = up(&database, &insists).await.unwrap_err().to_string();
    assert!(error.contains("cannot run in a transaction, but metadata.toml says"), "{error}");
    assert_eq!(ask(&client(&database).await, "to_regclass('a')").await, "NULL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_down_that_does_not_exist_stops_it_before_the_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, down) in [("1_a", Some("DROP TABLE a")), ("2_b", None), ("3_c", Some("DROP TABLE c"))] {
        let migration = folder.path().join(name);
        std::fs::create_dir(&migration).unwrap();
        std::fs::write(migration.join("up.sql"), format!("CREATE TABLE {} ()", &name[2..])).unwrap();
        if let Some(down) = down {
            std::fs::write(migration.join("down.sql"), down).unwrap();
        }
    }
    let all = sides_migrate::Migration::read_all(folder.path()).unwrap();
    let database = TestDatabase::empty().await;
    up(&database, &all).await.unwrap();
    let options = sides_migrate::Options::default();
    let error =
        sides_migrate::revert(database.url(), &all, sides_migrate::Revert::All, &options, &mut |_| {})
            .await
            .unwrap_err();
    assert!(error.to_string().contains("migrations/2_b has no down.sql, so nothing was reverted"), "{error}");
    assert_eq!(ask(&client(&database).await, "to_regclass('c')").await, "c");
    assert_eq!(down(&database, &all).await.unwrap(), ["3_c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_down_that_would_not_restore_what_was_there_is_refused_before_the_first() {
    for (up_sql, down_sql, said) in [
        (
            "ALTER TABLE a ADD COLUMN m int; CREATE INDEX a_m ON a (m)",
            "DROP INDEX a_m",
            "    +column public.a.m integer",
        ),
        // The same columns in another order are another dump.
        (
            "ALTER TABLE a DROP COLUMN n",
            "ALTER TABLE a ADD COLUMN n int",
            "    -order of columns in a: n, o\n    +order of columns in a: o, n",
        ),
        ("COMMENT ON TABLE a IS 'new'", "COMMENT ON TABLE a IS NULL", "    -comment on table a: old"),
        ("GRANT SELECT ON a TO PUBLIC", "SELECT 1", "    +rights on a: "),
        (
            "ALTER TABLE a ADD COLUMN m int",
            "ALTER TABLE a DROP COLUMN p",
            "down.sql line 1: `ALTER TABLE a DROP COLUMN p`: column \"p\"",
        ),
    ] {
        let database = TestDatabase::empty().await;
        let all = lane(&[
            ("CREATE TABLE a (n int, o int); COMMENT ON TABLE a IS 'old'", "DROP TABLE a"),
            (up_sql, down_sql),
            ("CREATE TABLE later ()", "DROP TABLE later"),
        ]);
        up(&database, &all).await.unwrap();
        let before = testing::schema::dump(database.url());
        let options = sides_migrate::Options::default();
        let which = sides_migrate::Revert::Newest(2);
        let refused = sides_migrate::revert(database.url(), &all, which, &options, &mut |_| {})
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(said) && refused.contains("nothing was reverted"), "{up_sql}: {refused}");
        testing::schema::assert_same(
            &before,
            &testing::schema::dump(database.url()),
            "something was reverted",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_insists_reverts_without_a_rehearsal() {
    let database = TestDatabase::empty().await;
    let all = lane(&[("CREATE TABLE a (n int)", "SELECT 1")]);
    up(&database, &all).await.unwrap();
    down(&database, &all).await.unwrap_err();
    let anyway = sides_migrate::Options { rehearse: false, ..sides_migrate::Options::default() };
    let done =
        sides_migrate::revert(database.url(), &all, sides_migrate::Revert::All, &anyway, &mut |_| {}).await;
    assert_eq!(done.unwrap(), ["1_m"]);
    assert_eq!(ask(&client(&database).await, "to_regclass('a')").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_releases_migration_is_left_to_it() {
    let database = TestDatabase::empty().await;
    let all = lane(&[("CREATE TABLE a ()", "DROP TABLE a"), ("CREATE TABLE b ()", "DROP TABLE b")]);
    up(&database, &all).await.unwrap();
    assert!(up(&database, &all[..1]).await.unwrap().is_empty(), "an older release starts");
    let error = down(&database, &all[..1]).await.unwrap_err().to_string();
    assert!(error.contains("version 2 was applied by a newer release"), "{error}");
}
