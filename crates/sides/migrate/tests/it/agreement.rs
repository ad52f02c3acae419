//! What works on the scratch server works in `up`, and the other way round: with the same catalogue in the end.

use sides_migrate::{
    MigrateError, Migration,
    shadow::{Place, Scratch, catalogue},
};
use testing::TestDatabase;

use crate::{
    classes::{FIXTURE, statements},
    lane::{client, up},
};

/// Texts whose outcome hangs on transactions, settings, users and quotes.
const TEXTS: &[(&str, &str)] = &[
    ("ALTER TYPE mood ADD VALUE 'z'; ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'z';", ""),
    (
        "ALTER TYPE mood ADD VALUE 'z'; ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'z';",
        "run_in_transaction = false",
    ),
    ("ALTER TYPE mood ADD VALUE 'z'; INSERT INTO people VALUES (9, 'z')", ""),
    (
        "CREATE TYPE shade AS ENUM ('x'); ALTER TYPE shade ADD VALUE 'y'; CREATE TABLE s (v shade DEFAULT 'y')",
        "",
    ),
    (
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE people SET id = id; COMMIT; END $$; CALL fill();",
        "run_in_transaction = false",
    ),
    (
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN UPDATE people SET id = id; COMMIT; END $$; CALL fill();",
        "",
    ),
    ("SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.a (id int);", ""),
    ("SET search_path = other; CREATE TABLE a (id int);", ""),
    ("SET LOCAL search_path = other; CREATE TABLE a (id int);", "run_in_transaction = false"),
    ("CREATE TABLE a (id int); VACUUM", ""),
    ("VACUUM; CREATE TABLE a (id int)", "run_in_transaction = false"),
    ("CREATE INDEX CONCURRENTLY i ON people (mood); CREATE TABLE a (id int)", ""),
    ("CREATE INDEX CONCURRENTLY i ON people (mood); DROP INDEX CONCURRENTLY i", "run_in_transaction = false"),
    ("CREATE UNIQUE INDEX CONCURRENTLY i ON people ((1 / (id - id)))", ""),
    ("CREATE TABLE a (id int); CREATE TABLE a (id int)", ""),
    ("CREATE TABLE a (id int); CREATE TABLE a (id int)", "run_in_transaction = false"),
    (
        "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1, 2)",
        "",
    ),
    ("CREATE TABLE a (id int); SAVEPOINT s; DROP TABLE a; ROLLBACK TO SAVEPOINT s", ""),
    ("SET ROLE pg_monitor; SELECT 1", ""),
    ("CREATE DATABASE agreement_of_nobody", ""),
    ("ALTER SYSTEM SET work_mem = '5MB'", ""),
    ("\u{feff}COMMENT ON TABLE people IS E'it\\'s;'; COMMENT ON COLUMN people.id IS U&'\\0061';", ""),
    ("COMMENT ON TABLE people IS $a$ $b$ ; $b$ $a$; /* /* ; */ */ CREATE TABLE a (id int)", ""),
    (
        "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; CREATE TABLE a (id int DEFAULT g())",
        "",
    ),
    ("CREATE RULE r AS ON DELETE TO people DO ALSO (SELECT 1; SELECT 2); CREATE TABLE a (id int)", ""),
    ("SELECT 'never closed", ""),
    ("FROBNICATE; CREATE TABLE a (id int)", ""),
    ("BEGIN; CREATE TABLE a (id int); COMMIT", ""),
    ("\\restrict x\nCREATE TABLE a (id int)", ""),
    ("", ""),
    ("-- nothing\n;;", ""),
];

/// A few tables that the texts are about.
const PEOPLE: &str = "CREATE SCHEMA other; CREATE TYPE mood AS ENUM ('a'); CREATE TABLE people (id int PRIMARY KEY, mood mood); INSERT INTO people VALUES (1, 'a')";

#[tokio::test(flavor = "multi_thread")]
async fn check_and_up_have_one_outcome() {
    let database = TestDatabase::empty().await;
    let place = Place::find(database.url(), None).await.unwrap();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (text, metadata) in TEXTS {
        tried += 1;
        wrong.extend(compare(&place, PEOPLE, text, metadata).await);
    }
    // Some of them each time, all with AGREEMENT=all.
    let every = if std::env::var("AGREEMENT").is_ok_and(|value| value == "all") { 1 } else { 6 };
    let first = rand::random_range(0..every);
    for text in statements().skip(first).step_by(every) {
        tried += 1;
        wrong.extend(compare(&place, FIXTURE, text, "").await);
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chassis_own_migrations_end_the_same() {
    let all = sides_migrate::chassis().unwrap();
    let database = TestDatabase::empty().await;
    up(&database, &all).await.unwrap();
    let place = Place::find(database.url(), None).await.unwrap();
    let texts: Vec<&str> = all.iter().map(Migration::up).collect();
    let scratch = Scratch::create(&place, &texts).await.unwrap();
    for migration in &all {
        scratch.apply(migration).await.unwrap();
    }
    let (seen, live) = (catalogue(&scratch.client).await.unwrap(), client(&database).await);
    let difference = catalogue(&live).await.unwrap().difference(&seen);
    scratch.end().await.unwrap();
    assert!(difference.is_empty(), "{difference:#?}");
}

async fn compare(place: &Place, before: &str, text: &str, metadata: &str) -> Option<String> {
    let first = Migration::new("1_before", before, "");
    let all = [first, Migration::new("2_m", text, "").with_metadata(metadata).unwrap()];
    let database = TestDatabase::empty().await;
    up(&database, &all[..1]).await.unwrap();
    let in_up = up(&database, &all).await.map(drop);
    let live = client(&database).await;
    let live = catalogue(&live).await.unwrap();

    let scratch = Scratch::create(place, &[before, text]).await.unwrap();
    scratch.apply(&all[0]).await.unwrap();
    let checked = sides_migrate::check::check_in(place, &all, |one| one.version() == "2").await.map(drop);
    let in_check = scratch.apply(&all[1]).await;
    let seen = scratch.client.batch_execute("SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL").await;
    seen.unwrap();
    let seen = catalogue(&scratch.client).await.unwrap();
    scratch.end().await.unwrap();
    let outcomes = [outcome(&in_up), outcome(&in_check), outcome(&checked)];
    if outcomes.iter().any(|one| *one != outcomes[0]) {
        return Some(format!(
            "{text}\n  up {}, replayed {}, checked {}",
            outcomes[0], outcomes[1], outcomes[2]
        ));
    }
    let difference = live.difference(&seen);
    (!difference.is_empty()).then(|| format!("{text}\n  {}", difference.join("\n  ")))
}

/// Postgres' code, or our own first words.
fn outcome(done: &Result<(), MigrateError>) -> String {
    let Err(error) = done else { return "works".to_owned() };
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    match first.rsplit_once(" (") {
        Some((_, code)) if code.len() == 6 => code.trim_end_matches(')').to_owned(),
        _ => first.to_owned(),
    }
}
