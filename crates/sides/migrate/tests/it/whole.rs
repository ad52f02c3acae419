//! What cannot be cut into batches is refused, by `check`, by `check --fix` and by `up`.

use sides_migrate::{
    MigrateError, Migration,
    check::check,
    recipe::{Instead, instead},
};
use testing::TestDatabase;

use crate::lane::{ask, client, lane, up};

const TABLES: &str = "
    CREATE TABLE items (id bigint PRIMARY KEY, pos bigint NOT NULL, parent bigint REFERENCES items (id), token uuid,
        at timestamptz, place int UNIQUE DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO items SELECT n, n, NULL, NULL, NULL, n FROM generate_series(1, 600) AS n;
    CREATE TABLE other (id bigint PRIMARY KEY, pos bigint NOT NULL);
    INSERT INTO other SELECT n, n FROM generate_series(1, 600) AS n;
    CREATE VIEW highest AS SELECT max(pos) AS pos FROM items;
    CREATE VIEW over_a_view AS SELECT pos FROM highest;
    CREATE FUNCTION top() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT max(pos) FROM items';
    CREATE FUNCTION doubled(n bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 2 * n';
    CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TABLE watched (id bigint PRIMARY KEY, n int);
    CREATE TRIGGER watch AFTER UPDATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION noted();
    CREATE TABLE ruled (id bigint PRIMARY KEY, n int);
    CREATE RULE rule AS ON DELETE TO ruled DO ALSO DELETE FROM other;
    CREATE TABLE parts (id bigint PRIMARY KEY, n bigint) PARTITION BY RANGE (id);
    CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (1000);
    CREATE SEQUENCE s";

/// Each with a word of the reason.
const WHOLE: &[(&str, &str)] = &[
    ("UPDATE items SET pos = pos + (SELECT max(pos) FROM items)", "it reads items while changing it"),
    ("UPDATE items AS i SET pos = o.pos FROM items AS o WHERE o.id = i.parent", "it reads items"),
    (
        "UPDATE public.items SET pos = r.n FROM (SELECT id, rank() OVER (ORDER BY pos) AS n FROM public.items) AS r WHERE r.id = items.id",
        "window function",
    ),
    (
        "WITH o AS (SELECT max(pos) AS top FROM items) UPDATE items SET pos = pos + o.top FROM o",
        "it reads items",
    ),
    ("DELETE FROM other AS o USING other AS p WHERE o.pos = p.pos AND o.id > p.id", "it reads other"),
    ("DELETE FROM other WHERE pos < (SELECT avg(pos) FROM other)", "it reads other"),
    ("UPDATE items SET pos = (SELECT pos FROM highest)", "highest reads items"),
    ("UPDATE items SET pos = o.pos FROM over_a_view AS o", "over_a_view reads items"),
    ("UPDATE items SET pos = pos + top()", "it calls top()"),
    ("UPDATE part SET n = (SELECT max(n) FROM parts)", "parts reads part"),
    (
        "UPDATE items SET pos = r.n FROM (SELECT id, row_number() OVER () AS n FROM other) AS r WHERE r.id = items.id",
        "window function",
    ),
    ("UPDATE items SET pos = (SELECT pos FROM other LIMIT 1)", "LIMIT without ORDER BY"),
    (
        "WITH gone AS (DELETE FROM other RETURNING id) UPDATE items SET pos = 0 FROM gone WHERE gone.id = items.id",
        "changes rows in WITH",
    ),
    (
        "UPDATE items SET pos = o.pos FROM other AS o TABLESAMPLE BERNOULLI (50) WHERE o.id = items.id",
        "at random",
    ),
    ("UPDATE items SET pos = 1 RETURNING id", "returns rows"),
    ("UPDATE items SET pos = nextval('s')", "nextval() has another value each time"),
    ("UPDATE items SET pos = (random() * 100)::int", "random() has another value each time"),
    ("UPDATE items SET at = clock_timestamp()", "clock_timestamp() has another value"),
    ("DELETE FROM other WHERE random() < 0.5", "random() decides"),
    ("UPDATE items SET at = now()", "now is the same for a whole statement"),
    ("UPDATE items SET at = CURRENT_TIMESTAMP", "current_timestamp is the same for a whole statement"),
    ("UPDATE items SET at = 'now'::timestamptz", "'now' is the same for a whole statement"),
    ("DELETE FROM items", "ties rows of items to each other"),
    ("UPDATE items SET place = place + 1", "is checked when all rows are done"),
    ("UPDATE watched SET n = 1", "the trigger watch runs once for each statement"),
    ("DELETE FROM ruled", "the rule rule"),
];

/// What comes to the same.
const CUT: &[&str] = &[
    "UPDATE items SET pos = doubled(pos) WHERE id > 5",
    "UPDATE items SET pos = o.pos FROM other AS o WHERE o.id = items.id",
    "UPDATE items SET pos = (SELECT max(pos) FROM other)",
    "UPDATE items SET pos = (SELECT pos FROM other ORDER BY id LIMIT 1)",
    "UPDATE items SET token = gen_random_uuid() WHERE token IS NULL",
    "UPDATE items SET at = now() WHERE items.at IS NULL AND id > 3",
    "DELETE FROM other WHERE id IN (SELECT id FROM items)",
    "DELETE FROM watched",
];

fn backfill(text: &str) -> Vec<Migration> {
    let fill = Migration::new("2_m", text, "").with_metadata("phase = \"backfill\"").unwrap();
    vec![lane(&[(TABLES, "")]).remove(0), fill]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_something_else_in_batches_is_refused_by_check_and_up_alike() {
    let database = TestDatabase::empty().await;
    up(&database, &backfill("")[..1]).await.unwrap();
    for (text, why) in WHOLE {
        let all = backfill(text);
        let refused = up(&database, &all).await.unwrap_err();
        assert!(matches!(refused, MigrateError::NotInBatches { .. }), "{text}: {refused}");
        assert!(refused.to_string().contains(why), "{text}: {refused}");
    }
    let mut all = vec![backfill("").remove(0)];
    for (place, (text, _)) in WHOLE.iter().enumerate() {
        let one = Migration::new(format!("{:03}_m", place + 2), *text, "");
        all.push(one.with_metadata("phase = \"backfill\"").unwrap());
    }
    let found = check(database.url(), &all, |one| one.version() != "1").await.unwrap();
    for (checked, (text, why)) in found.iter().zip(WHOLE) {
        let is_said = checked.problems.iter().any(|one| one.contains(why));
        assert!(checked.is_refused() && is_said, "{text}: {checked:?}");
    }
}

/// Before anybody makes a backfill of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_check_says_why_it_cannot_be_cut() {
    let database = TestDatabase::empty().await;
    let mut all = vec![backfill("").remove(0)];
    let about_the_catalogue = |text: &str| {
        ["SET place", "DELETE FROM items", "UPDATE watched", "DELETE FROM ruled", "(SELECT pos FROM highest)"]
            .iter()
            .any(|part| text.contains(part))
    };
    let texts: Vec<_> = WHOLE.iter().filter(|(text, _)| about_the_catalogue(text)).collect();
    for (place, (text, _)) in texts.iter().enumerate() {
        all.push(Migration::new(format!("{}_m", place + 2), *text, ""));
    }
    let found = check(database.url(), &all, |one| one.version() != "1").await.unwrap();
    assert_eq!(found.len(), 5);
    for (checked, (text, why)) in found.iter().zip(texts) {
        let Some(Instead::Advice(advice)) = &checked.statements[0].instead else {
            panic!("{text}: {checked:?}")
        };
        assert!(advice.contains(why), "{text}: {advice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_to_the_same_in_batches_is_cut() {
    for text in CUT {
        let database = TestDatabase::empty().await;
        up(&database, &backfill(text)).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(matches!(instead(text, &Default::default()), Instead::Batches(_)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_once_it_comes_to_what_it_says() {
    let database = TestDatabase::empty().await;
    let text = WHOLE[0].0;
    let Instead::Advice(advice) = instead(text, &Default::default()) else { panic!("a text for {text}") };
    assert!(advice.contains("it reads items while changing it") && advice.contains("accept"), "{advice}");
    let accepted = Migration::new("2_m", text, "").with_metadata("accept = \"few rows\"").unwrap();
    up(&database, &[backfill("").remove(0), accepted]).await.unwrap();
    assert_eq!(ask(&client(&database).await, "SELECT max(pos) FROM items").await, "1200");
}
