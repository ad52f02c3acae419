//! Diesel's own runner and this one share format and table, so that either can follow the other.

use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use sides_migrate::{Migration, Options, Refusal};
use testing::{TestDatabase, schema};

fn folder() -> std::path::PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../migrations").into()
}

/// Applies what diesel finds pending; returns how many.
async fn diesel_up(database: &TestDatabase) -> usize {
    let mut harness = AsyncMigrationHarness::new(database.connect().await);
    let migrations = FileBasedMigrations::from_path(folder()).unwrap();
    harness.run_pending_migrations(migrations).unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn diesel_finds_nothing_to_do_after_this_runner() {
    let database = TestDatabase::create().await;
    assert_eq!(diesel_up(&database).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn this_runner_takes_over_from_diesel() {
    let database = TestDatabase::empty().await;
    let all = Migration::read_all(&folder()).unwrap();
    assert_eq!(all, Migration::embedded().unwrap(), "the binary was built from other files");
    assert_eq!(diesel_up(&database).await, all.len());
    assert!(sides_migrate::up(database.url()).await.unwrap().is_empty());
    schema::assert_same(
        &schema::dump(TestDatabase::create().await.url()),
        &schema::dump(database.url()),
        "diesel made another schema",
    );

    // From now on an edit shows, although diesel kept no text.
    let mut edited = all.clone();
    edited[0] = Migration::new(all[0].name(), format!("{}\nSELECT 1;\n", all[0].up()), "");
    let refused =
        sides_migrate::apply(database.url(), &edited, &Options::default(), &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, sides_migrate::MigrateError::Refused(Refusal::Edited { .. })), "{refused}");
    assert!(refused.to_string().contains("+SELECT 1;"), "{refused}");
}
