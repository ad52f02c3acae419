//! What a migration does to its session: roles, settings, transactions of its own. The record stays the runner's, and
//! nothing reaches the next migration.

use database::DatabaseUrl;
use sides_migrate::{MigrateError, Migration, check::check};
use testing::TestDatabase;

use crate::lane::{ask, client, hasty, lane, up};

fn outside(name: &str, text: &str, down: &str) -> Migration {
    Migration::new(name, text, down).with_metadata("run_in_transaction = false").unwrap()
}

async fn apply(url: &DatabaseUrl, all: &[Migration]) -> Result<Vec<String>, MigrateError> {
    sides_migrate::apply(url, all, &hasty(), &mut |_| {}).await
}

/// A user who is a member of an owner, both of names that no other test has.
struct People {
    database: TestDatabase,
    member: DatabaseUrl,
    owner: String,
}

impl People {
    async fn new() -> Self {
        let database = TestDatabase::empty().await;
        let admin = client(&database).await;
        let (owner, member) = (unique(&admin, "owner").await, unique(&admin, "member").await);
        admin
            .batch_execute(&format!(
                "CREATE ROLE {owner} NOLOGIN; CREATE ROLE {member} LOGIN PASSWORD 'p' IN ROLE {owner};
                 GRANT CREATE, USAGE ON SCHEMA public TO {owner}, {member};
                 DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {member}', current_database()); END $$"
            ))
            .await
            .unwrap();
        let whole = database.url().expose().to_string();
        let (scheme, rest) = whole.split_once("://").unwrap();
        let address = rest.split_once('@').map_or(rest, |(_, address)| address);
        let url: DatabaseUrl = format!("{scheme}://{member}:p@{address}").parse().unwrap();
        Self { member: url, owner, database }
    }
}

/// A role's name that no other test has.
async fn unique(client: &tokio_postgres::Client, kind: &str) -> String {
    ask(client, &format!("SELECT '{kind}_' || current_database()")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_may_take_another_role_and_the_record_is_written_all_the_same() {
    let people = People::new().await;
    let owner = &people.owner;
    let all = [
        Migration::new(
            "1_m",
            format!("SET ROLE {owner}; CREATE TABLE t (id int); RESET ROLE"),
            "DROP TABLE t",
        ),
        // Left taken, in each way that a migration can run.
        Migration::new(
            "2_m",
            format!(
                "SET ROLE {owner}; CREATE TABLE u (id int PRIMARY KEY, n int); INSERT INTO u SELECT generate_series(1, 2000)"
            ),
            "",
        ),
        outside(
            "3_m",
            &format!(
                "SET ROLE {owner}; CREATE INDEX CONCURRENTLY u_n ON u (n); ALTER TABLE u ADD COLUMN m int"
            ),
            "",
        ),
        Migration::new("4_m", format!("SET ROLE {owner}; UPDATE u SET n = id"), "")
            .with_metadata("phase = \"backfill\"")
            .unwrap(),
        Migration::new("5_m", format!("SET LOCAL ROLE {owner}; CREATE TABLE w (id int)"), ""),
        Migration::new("6_m", "CREATE TABLE mine (id int)", ""),
    ];
    assert_eq!(apply(&people.member, &all).await.unwrap().len(), 6);
    let eye = client(&people.database).await;
    let owners = "SELECT string_agg(relname || '=' || (relowner = '{owner}'::regrole), ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('t', 'u', 'w', 'u_n', 'mine')";
    let owners = ask(&eye, &owners.replace("{owner}", owner)).await;
    assert_eq!(owners, "mine=false t=true u=true u_n=true w=true");
    assert_eq!(ask(&eye, "SELECT count(*) FROM u WHERE n = id").await, "2000");
    let steps = "SELECT count(*) FILTER (WHERE finished_at IS NOT NULL) || ' of ' || count(*) FROM sides_migrate.steps";
    assert_eq!(ask(&eye, steps).await, "14 of 14");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_migration_sets_reaches_the_next_one() {
    let database = TestDatabase::empty().await;
    let admin = client(&database).await;
    let other = unique(&admin, "other").await;
    admin.batch_execute(&format!("CREATE ROLE {other}")).await.unwrap();
    let leaves = [
        "SELECT pg_catalog.set_config('search_path', '', false)".to_owned(),
        format!("SET SESSION AUTHORIZATION {other}"),
        format!("SET ROLE {other}"),
        "SET default_transaction_read_only = on".to_owned(),
        "SET session_replication_role = replica".to_owned(),
        "SET standard_conforming_strings = off".to_owned(),
        "CREATE TEMP TABLE t (wrong int)".to_owned(),
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1".to_owned(),
    ];
    let mut all = lane(&[("CREATE TABLE t (id int)", "")]);
    for (place, left) in leaves.iter().enumerate() {
        // Whether one transaction or statement by statement.
        let version = 10 * (place + 1);
        all.push(Migration::new(format!("{version}_m"), left.as_str(), ""));
        let add = format!("ALTER TABLE t ADD COLUMN a{place} text DEFAULT '\\'");
        all.push(Migration::new(format!("{}_m", version + 1), add, ""));
        if !left.starts_with("SET default_transaction_read_only") {
            all.push(outside(&format!("{}_m", version + 2), &format!("{left}; SELECT 1"), ""));
            all.push(Migration::new(
                format!("{}_m", version + 3),
                format!("ALTER TABLE t ADD COLUMN b{place} int"),
                "",
            ));
        }
    }
    all.sort_by_key(|one| one.version().parse::<u32>().unwrap());
    let all: Vec<_> = all
        .into_iter()
        .enumerate()
        .map(|(place, one)| {
            let metadata =
                if one.asks_for_transaction() == Some(false) { "run_in_transaction = false" } else { "" };
            Migration::new(format!("{:03}_m", place + 1), one.up(), "").with_metadata(metadata).unwrap()
        })
        .collect();
    assert_eq!(up(&database, &all).await.unwrap().len(), all.len());
    let columns =
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 't'";
    assert_eq!(ask(&client(&database).await, columns).await, "16");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_procedure_that_commits_runs_where_no_transaction_is_wanted() {
    let table = lane(&[("CREATE TABLE settings (v int); INSERT INTO settings VALUES (0)", "")]).remove(0);
    let fill = "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE settings SET v = v + 1; COMMIT; END $$; CALL fill();";
    for (text, value) in [
        (fill, "1"),
        (&fill.replace("CALL fill();", "CALL fill(); CALL fill(); ALTER TABLE settings ADD COLUMN w int"), "2"),
        ("DO $$ BEGIN FOR i IN 1..3 LOOP UPDATE settings SET v = v + 1; COMMIT; END LOOP; END $$", "3"),
        ("CREATE PROCEDURE outer_one() LANGUAGE plpgsql AS $$ BEGIN CALL inner_one(); END $$;
          CREATE PROCEDURE inner_one() LANGUAGE plpgsql AS $$ BEGIN UPDATE settings SET v = 9; ROLLBACK; UPDATE settings SET v = 4; COMMIT; END $$;
          CALL outer_one()", "4"),
        // One that does not commit is a transaction with its row, as before.
        ("CREATE PROCEDURE plain() LANGUAGE sql AS 'UPDATE settings SET v = 5'; CALL plain()", "5"),
    ] {
        let database = TestDatabase::empty().await;
        let all = [table.clone(), outside("2_m", text, "")];
        check(database.url(), &all, |_| true).await.unwrap();
        assert_eq!(up(&database, &all).await.unwrap(), ["1_m", "2_m"]);
        let eye = client(&database).await;
        assert_eq!(ask(&eye, "SELECT v FROM settings").await, value, "{text}");
        assert_eq!(ask(&eye, "SELECT count(*) FROM sides_migrate.steps WHERE finished_at IS NULL").await, "0");
    }
    // In a transaction it is Postgres that refuses, and nothing is left.
    let database = TestDatabase::empty().await;
    let refused = up(&database, &[table, Migration::new("2_m", fill, "")]).await.unwrap_err();
    assert!(refused.to_string().contains("invalid transaction termination"), "{refused}");
    assert_eq!(ask(&client(&database).await, "to_regprocedure('fill()')").await, "NULL");
}

const MOOD: &str = "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE people (id int, mood mood)";

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_an_enum_can_be_used_in_the_file_that_adds_it() {
    for uses in [
        "ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'b'",
        "INSERT INTO people VALUES (1, 'b')",
        "CREATE INDEX CONCURRENTLY people_b ON people (id) WHERE mood = 'b'",
        "CREATE VIEW merry AS SELECT id FROM people WHERE mood = 'b'",
        "DO $$ BEGIN INSERT INTO people VALUES (1, 'b'); END $$",
        "ALTER TYPE mood ADD VALUE 'c' AFTER 'b'; ALTER TABLE people ADD CHECK (mood IN ('b', 'c'))",
        "ALTER TABLE people ADD COLUMN next mood DEFAULT 'b'",
    ] {
        let database = TestDatabase::empty().await;
        let all = lane(&[(MOOD, ""), (&format!("ALTER TYPE mood ADD VALUE 'b'; {uses}"), "")]);
        check(database.url(), &all, |_| true).await.unwrap_or_else(|error| panic!("{uses}: {error}"));
        up(&database, &all).await.unwrap_or_else(|error| panic!("{uses}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_behind_a_new_value_the_rest_goes_on() {
    let database = TestDatabase::empty().await;
    let text = "CREATE TABLE first (n int); ALTER TYPE mood ADD VALUE 'b'; INSERT INTO people VALUES (1, 'b'); INSERT INTO later VALUES (1)";
    let all = lane(&[(MOOD, ""), (text, "")]);
    let refused = up(&database, &all).await.unwrap_err().to_string();
    assert!(
        refused.contains("\"later\" does not exist")
            && refused.contains("2 of its 4 statements stay applied"),
        "{refused}"
    );
    let eye = client(&database).await;
    assert_eq!(ask(&eye, "SELECT count(*) FROM people").await, "0");
    eye.batch_execute("CREATE TABLE later (n int)").await.unwrap();
    assert_eq!(up(&database, &all).await.unwrap(), ["2_m"]);
    assert_eq!(ask(&eye, "SELECT count(*) FROM people WHERE mood = 'b'").await, "1");
}
