//! The queue's own tables, and nothing else of the chassis, in somebody's application.

use std::time::Duration;

use database::DatabaseUrl;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::MigrationHarness as _;
use sides_queue::{Registry, enqueue, enqueue_in, hand_over, migrations, sql};
use testing::{TestDatabase, wait_until};

use crate::fixture::{Note, Notes, config, count, execute, note, start_at, text};

/// A role that may log in, and create a schema in this one database.
struct Ordinary {
    name: String,
    url: DatabaseUrl,
    database: TestDatabase,
}

impl Ordinary {
    async fn new() -> Self {
        let database = TestDatabase::empty().await;
        let name = format!("shop_{}", database.url().database());
        let mut c = database.connect().await;
        execute(&mut c, &format!("CREATE ROLE {name} LOGIN PASSWORD 'tell-nobody'")).await;
        let grant = format!("GRANT CREATE ON DATABASE {} TO {name}", database.url().database());
        execute(&mut c, &grant).await;
        execute(&mut c, &format!("GRANT CREATE ON SCHEMA public TO {name}")).await;
        let address = database.url().expose();
        let (_, place) = address.split_once("://").unwrap();
        let place = place.split_once('@').map_or(place, |(_, place)| place);
        let url = format!("postgres://{name}:tell-nobody@{place}").parse().unwrap();
        Self { name, url, database }
    }

    async fn drop(self) {
        let mut c = self.database.connect().await;
        execute(&mut c, &format!("DROP OWNED BY {0} CASCADE", self.name)).await;
        execute(&mut c, &format!("DROP ROLE {}", self.name)).await;
    }
}

/// The texts, as the document says that sqlx applies them.
async fn apply(url: &DatabaseUrl) {
    let pool = sqlx::PgPool::connect(&url.expose()).await.unwrap();
    for migration in migrations().texts() {
        let done = sqlx::raw_sql(&migration.sql).execute(&pool).await;
        done.unwrap_or_else(|error| panic!("{}: {error}", migration.name));
    }
    pool.close().await;
}

#[test]
fn the_document_applies_them_as_this_test_does() {
    let (readme, here) = (include_str!("../../README.md"), include_str!("alone.rs"));
    for words in ["migrations().texts() {", "sqlx::raw_sql(&migration.sql).execute("] {
        assert!(readme.contains(words) && here.contains(words), "{words}");
    }
}

const TABLES: &str = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
    WHERE relnamespace = 'sides'::regnamespace AND relkind IN ('r', 'p')";

/// All that a schema is made of, and who may do what with it.
const CATALOGUE: &str = "SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
    SELECT concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
        (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)) AS line
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'sides'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', relname, reloptions::text, relpersistence) FROM pg_class
        WHERE relnamespace = 'sides'::regnamespace AND relkind IN ('r', 'p')
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'sides'::regnamespace
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'sides'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', oid::regprocedure, proacl IS NULL, regexp_replace(pg_get_functiondef(oid), '\\s+', ' ', 'g'))
        FROM pg_proc WHERE pronamespace = 'sides'::regnamespace
) AS parts (line)";

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_role_has_the_queue_alone_and_works_in_three_kinds_of_transactions() {
    let ordinary = Ordinary::new().await;
    let url = &ordinary.url;
    apply(url).await;
    let mut c = database::connect(url).await.unwrap();
    assert_eq!(
        text(&mut c, TABLES).await,
        "claim_places fang_tasks job_attempts job_attempts_default job_history job_history_default job_notes job_rules \
         runner_sessions runners"
    );
    let restricted =
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'sides'::regnamespace AND proacl IS NOT NULL";
    assert_eq!(count(&mut c, restricted).await, 0);

    let mut client = database::client(url).await.unwrap();
    let transaction = client.transaction().await.unwrap();
    enqueue_in(&transaction, &Note { number: 1 }).await.unwrap();
    transaction.commit().await.unwrap();
    let pool = sqlx::PgPool::connect(&url.expose()).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let job = sql::job(&Note { number: 2 }).unwrap();
    sqlx::query(sql::ENQUEUE).bind(job).execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    enqueue(&mut c, &Note { number: 3 }).await.unwrap();

    let notes = Notes::default();
    let registry = Registry::new(notes.clone()).handle::<Note, _>(note);
    let running = start_at(url.clone(), registry, config());
    let over = "SELECT count(*) FROM sides.job_history WHERE outcome = 'finished'";
    wait_until("all three are over", Duration::from_secs(60), async || count(&mut c, over).await == 3).await;
    assert_eq!(notes.sorted(), [1, 2, 3]);
    running.stop().await;
    // By hand as well: the journal of that is the chassis'.
    execute(&mut c, "SELECT sides.pause_jobs('kind', 'note')").await;
    pool.close().await;
    drop((c, client));
    ordinary.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_do_nothing_where_they_or_the_whole_set_were_applied() {
    let whole = TestDatabase::create().await;
    let mut c = whole.connect().await;
    let before = text(&mut c, CATALOGUE).await;
    apply(whole.url()).await;
    assert_eq!(text(&mut c, CATALOGUE).await, before);
    assert_eq!(sides_queue::migrate(whole.url()).await.unwrap(), Vec::<String>::new());
    assert_eq!(hand_over(whole.url()).await.unwrap(), Vec::<String>::new());

    let alone = TestDatabase::empty().await;
    apply(alone.url()).await;
    let mut c = alone.connect().await;
    let before = text(&mut c, CATALOGUE).await;
    apply(alone.url()).await;
    assert_eq!(text(&mut c, CATALOGUE).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn diesels_own_harness_applies_them_and_finds_them_applied() {
    let alone = TestDatabase::empty().await;
    let url = alone.url().clone();
    let applied = tokio::task::spawn_blocking(move || {
        use diesel::Connection as _;
        let mut c = AsyncConnectionWrapper::<AsyncPgConnection>::establish(&url.expose()).unwrap();
        let applied = c.run_pending_migrations(migrations()).unwrap().len();
        assert!(!c.has_pending_migration(migrations()).unwrap());
        applied
    });
    assert_eq!(applied.await.unwrap(), migrations().texts().len());
    assert!(sides_queue::migrate(alone.url()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_chassis_takes_over_a_database_that_has_the_queue_alone() {
    let whole = TestDatabase::empty().await;
    let chassis = migrate::chassis().unwrap();
    migrate::up(whole.url(), &chassis).await.unwrap();
    let expected = text(&mut whole.connect().await, CATALOGUE).await;

    for with_texts in [false, true] {
        let alone = TestDatabase::empty().await;
        if with_texts {
            apply(alone.url()).await;
        } else {
            sides_queue::migrate(alone.url()).await.unwrap();
        }
        let mut c = alone.connect().await;
        enqueue(&mut c, &Note { number: 7 }).await.unwrap();
        assert!(!hand_over(alone.url()).await.unwrap().is_empty());
        assert!(migrate::up(alone.url(), &chassis).await.unwrap().is_empty(), "nothing is left to do");
        assert_same_lines(&text(&mut c, CATALOGUE).await, &expected);
        assert_eq!(count(&mut c, "SELECT count(*) FROM sides.fang_tasks").await, 1, "the job is still there");
    }
}

fn assert_same_lines(found: &str, expected: &str) {
    let only = |of: &str, other: &str| {
        let known: Vec<&str> = other.lines().collect();
        of.lines().filter(|line| !known.contains(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((only(found, expected), only(expected, found)), (Vec::new(), Vec::new()));
}
