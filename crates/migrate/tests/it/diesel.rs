//! Diesel's own runner and this one share format and table, so that either can follow the other.

use diesel::{connection::BoxableConnection, migration, migration::MigrationSource, pg::Pg};
use diesel_async::AsyncMigrationHarness;
use diesel_migrations::{EmbeddedMigrations, FileBasedMigrations, MigrationHarness, embed_migrations};
use sides_migrate::{ForDiesel, Migration, MigrationError, Options, Refusal, Revert, State};
use testing::{TestDatabase, schema};

use crate::{all, application, folder};

const EMBEDDED: EmbeddedMigrations = embed_migrations!("../../migrations");
const METADATA: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/metadata.rs"));

async fn harness(database: &TestDatabase) -> impl MigrationHarness<Pg> {
    AsyncMigrationHarness::new(database.connect().await)
}

/// The names of what diesel finds pending among these.
async fn diesel_pending(database: &TestDatabase, source: impl MigrationSource<Pg>) -> Vec<String> {
    let pending = harness(database).await.pending_migrations(source).unwrap();
    pending.iter().map(|one| one.name().to_string()).collect()
}

async fn ours_pending(database: &TestDatabase) -> Vec<String> {
    let status = sides_migrate::status(database.url(), &all()).await.unwrap();
    status.into_iter().filter(|one| one.state == State::Pending).map(|one| one.name).collect()
}

fn names(all: &[Migration]) -> Vec<String> {
    all.iter().map(|one| one.name().to_owned()).collect()
}

#[test]
fn a_folder_and_what_is_embedded_are_the_same_migrations() {
    assert_eq!(Migration::from_source(&EMBEDDED, METADATA).unwrap(), application());
    let files = FileBasedMigrations::from_path(folder()).unwrap();
    assert_eq!(Migration::from_source(&files, METADATA).unwrap(), application());
}

#[tokio::test(flavor = "multi_thread")]
async fn diesel_lists_and_finds_nothing_to_do_after_this_runner() {
    let database = TestDatabase::create().await;
    assert_eq!(diesel_pending(&database, ForDiesel(all())).await, Vec::<String>::new());
    // Its folder alone, as diesel's command line sees it: what the chassis added does not disturb it.
    let files = FileBasedMigrations::from_path(folder()).unwrap();
    assert_eq!(diesel_pending(&database, files).await, Vec::<String>::new());
    let mut applied = harness(&database).await.applied_migrations().unwrap();
    applied.sort();
    let versions: Vec<String> = applied.iter().map(ToString::to_string).collect();
    assert_eq!(versions, all().iter().map(Migration::version).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn this_runner_takes_over_from_diesel() {
    let database = TestDatabase::empty().await;
    let all = all();
    let run = harness(&database).await.run_pending_migrations(ForDiesel(all.clone())).unwrap().len();
    assert_eq!(run, all.len());
    assert!(sides_migrate::up(database.url(), &all).await.unwrap().is_empty());
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

#[tokio::test(flavor = "multi_thread")]
async fn either_reverts_what_the_other_applied() {
    let database = TestDatabase::create().await;
    let (all, before) = (all(), schema::dump(database.url()));
    let newest = all.last().unwrap().name();

    harness(&database).await.revert_last_migration(ForDiesel(all.clone())).unwrap();
    assert_eq!(ours_pending(&database).await, [newest]);
    assert_eq!(sides_migrate::up(database.url(), &all).await.unwrap(), [newest]);
    schema::assert_same(&before, &schema::dump(database.url()), "diesel reverted something else");

    let (one, options) = (Revert::Newest(1), Options::default());
    let reverted = sides_migrate::revert(database.url(), &all, one, &options, &mut |_| {}).await.unwrap();
    assert_eq!(reverted, [newest]);
    assert_eq!(diesel_pending(&database, ForDiesel(all.clone())).await, [newest]);
    harness(&database).await.run_next_migration(ForDiesel(all.clone())).unwrap();
    assert!(ours_pending(&database).await.is_empty());
    // Diesel knows nothing of the roles: the next run of ours gives them their rights on what it made.
    assert!(sides_migrate::up(database.url(), &all).await.unwrap().is_empty());
    schema::assert_same(&before, &schema::dump(database.url()), "diesel applied something else");

    harness(&database).await.revert_all_migrations(ForDiesel(all.clone())).unwrap();
    assert_eq!(ours_pending(&database).await, names(&all));
    assert_eq!(sides_migrate::up(database.url(), &all).await.unwrap(), names(&all));
    schema::assert_same(&before, &schema::dump(database.url()), "not everything came back");
}

/// Of a migration that runs statement by statement, this runner keeps which statements were done.
#[tokio::test(flavor = "multi_thread")]
async fn what_diesel_did_in_between_is_not_taken_for_done() {
    let database = TestDatabase::empty().await;
    let up = "CREATE TABLE t (a int); CREATE INDEX CONCURRENTLY t_a ON t (a);";
    let all = vec![Migration::new("1_t", up, "DROP INDEX CONCURRENTLY t_a; DROP TABLE t;")];
    let options = Options::default();
    let before = schema::dump(database.url());
    sides_migrate::up(database.url(), &all).await.unwrap();
    let with = schema::dump(database.url());
    let mut statements = all[0].down().unwrap().split_inclusive(';').collect::<Vec<_>>();
    for _ in 0..2 {
        by_hand(&database, &statements, "DELETE FROM __diesel_schema_migrations").await;
        assert_eq!(sides_migrate::up(database.url(), &all).await.unwrap(), ["1_t"]);
        schema::assert_same(&with, &schema::dump(database.url()), "not everything was applied again");
        sides_migrate::revert(database.url(), &all, Revert::All, &options, &mut |_| {}).await.unwrap();
        statements = up.split_inclusive(';').collect();
        by_hand(&database, &statements, "INSERT INTO __diesel_schema_migrations VALUES ('1')").await;
        sides_migrate::revert(database.url(), &all, Revert::All, &options, &mut |_| {}).await.unwrap();
        schema::assert_same(&before, &schema::dump(database.url()), "not everything was reverted again");
        sides_migrate::up(database.url(), &all).await.unwrap();
        statements = all[0].down().unwrap().split_inclusive(';').collect();
    }
}

/// What diesel does with a migration that is not one transaction: its statements, then its record.
async fn by_hand(database: &TestDatabase, statements: &[&str], record: &str) {
    let client = database::client(database.url()).await.unwrap();
    for statement in statements.iter().chain([&record]) {
        client.batch_execute(statement).await.unwrap();
    }
}

/// As diesel's command line: its folder is the application's, and the chassis' tables are none of its business.
#[tokio::test(flavor = "multi_thread")]
async fn diesel_applies_and_reverts_the_applications_folder_beside_the_chassis() {
    let database = TestDatabase::empty().await;
    sides_migrate::up(database.url(), &sides_migrate::chassis().unwrap()).await.unwrap();
    let files = || FileBasedMigrations::from_path(folder()).unwrap();
    assert_eq!(diesel_pending(&database, files()).await, names(&application()));
    harness(&database).await.run_pending_migrations(files()).unwrap();
    assert!(ours_pending(&database).await.is_empty());
    for one in MigrationSource::<Pg>::migrations(&files()).unwrap().iter().rev() {
        harness(&database).await.revert_migration(one).unwrap();
    }
    assert_eq!(ours_pending(&database).await, names(&application()));
}

/// The chassis' with them, for whoever reverts by diesel's command line.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_diesel_lists_reverts_and_applies() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let to = folder.path().join("all");
    let export = || std::process::Command::new(env!("CARGO_BIN_EXE_migrate")).arg("export").arg(&to).output();
    let output = export().unwrap();
    assert!(output.status.success(), "{output:?}");
    let exported = Migration::read_all(&to).unwrap();
    let texts = |all: &[Migration]| -> Vec<_> {
        all.iter().map(|one| (one.name().to_owned(), one.checksum(), one.down().map(str::to_owned))).collect()
    };
    assert_eq!(texts(&exported), texts(&all()));
    assert!(!export().unwrap().status.success(), "what is there stays as it is");

    let before = schema::dump(database.url());
    let files = || FileBasedMigrations::from_path(&to).unwrap();
    assert_eq!(diesel_pending(&database, files()).await, Vec::<String>::new());
    harness(&database).await.revert_all_migrations(files()).unwrap();
    assert_eq!(diesel_pending(&database, files()).await, names(&all()));
    harness(&database).await.run_pending_migrations(files()).unwrap();
    // Which gives the roles their rights again: diesel knows of none.
    assert!(sides_migrate::up(database.url(), &all()).await.unwrap().is_empty());
    schema::assert_same(&before, &schema::dump(database.url()), "diesel made another schema of it");
}

/// A migration written in Rust, which asks the database while it runs.
struct Code;

impl migration::Migration<Pg> for Code {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        connection.batch_execute("SELECT 1")?;
        Err("no rows to be had".into())
    }

    fn revert(&self, _: &mut dyn BoxableConnection<Pg>) -> migration::Result<()> {
        Ok(())
    }

    fn metadata(&self) -> &dyn migration::MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn migration::MigrationName {
        self
    }
}

impl migration::MigrationMetadata for Code {}

impl migration::MigrationName for Code {
    fn version(&self) -> migration::MigrationVersion<'_> {
        "1".into()
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("1_code")
    }
}

struct OnlyCode;

impl MigrationSource<Pg> for OnlyCode {
    fn migrations(&self) -> migration::Result<Vec<Box<dyn migration::Migration<Pg>>>> {
        Ok(vec![Box::new(Code)])
    }
}

#[test]
fn a_migration_that_is_no_text_is_refused() {
    let refused = Migration::from_source(&OnlyCode, &[]).unwrap_err();
    assert!(matches!(&refused, MigrationError::NotText { name, .. } if name == "1_code"), "{refused}");
}
