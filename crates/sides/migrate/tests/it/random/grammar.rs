//! Draws texts: shapes of statements that people write, with names from the catalogue of a model on which each is tried.

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};
use sides_migrate::sql::statements;
use tokio_postgres::Client;

use super::{base, model};

/// A migration, and what the model showed of it.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) text: String,
    /// Whether it did work that grows with the tables, in a way in which others have to wait for it.
    pub(super) grows: bool,
}

/// The shapes, one a line.
pub(super) fn shapes() -> Vec<&'static str> {
    include_str!("shapes.sql").lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect()
}

/// Up to that many texts which apply one after the other; fewer where one of them takes away what others use.
pub(super) async fn migrations(random: &mut impl Rng, model: &Client, count: usize) -> Vec<Drawn> {
    let mut found = Vec::new();
    while found.len() < count {
        let Some(text) = migration(random, model).await else { continue };
        let is_outside = ["CONCURRENTLY", "VACUUM", "ADD VALUE"].iter().any(|word| text.contains(word));
        let grows = match is_outside {
            true => apart(model, &text).await.then_some(true),
            false => model::try_together(model, &text).await,
        };
        base::settle(model).await;
        if let Some(grows) = grows {
            found.push(Drawn { text, grows });
            if !base::is_whole(model).await {
                break;
            }
        }
    }
    found
}

async fn apart(model: &Client, text: &str) -> bool {
    for statement in statements(text) {
        if model.batch_execute(&statement.text).await.is_err() {
            return false;
        }
    }
    true
}

/// One statement as it is, hidden in code, or two of them together.
async fn migration(random: &mut impl Rng, model: &Client) -> Option<String> {
    let first = statement(random, model).await?;
    let stands_alone = |text: &str| text.contains("CONCURRENTLY") || text.contains("VACUUM");
    if stands_alone(&first) {
        return Some(first);
    }
    Some(match random.random_range(0..10) {
        0 => format!("DO $do$ BEGIN {first}; END $do$").replace("BEGIN SELECT ", "BEGIN PERFORM "),
        1 => format!("DO $do$ BEGIN EXECUTE $x${first}$x$; END $do$"),
        2 => {
            let second = statement(random, model).await.filter(|second| !stands_alone(second))?;
            format!("{first};\n-- and then; it's another\n{second}")
        }
        _ => first,
    })
}

/// A mark, and the names that it may stand for; `$1` is the table.
const NAMES: &[(&str, &str)] = &[
    (
        "{c}",
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 1 AND NOT attisdropped ORDER BY attnum",
    ),
    ("{k}", "SELECT conname::text FROM pg_constraint WHERE conrelid = to_regclass($1) ORDER BY 1"),
    ("{i}", "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = to_regclass($1) ORDER BY 1"),
    (
        "{g}",
        "SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = to_regclass($1) AND NOT tgisinternal ORDER BY 1",
    ),
    ("{p}", "SELECT quote_ident(polname) FROM pg_policy WHERE polrelid = to_regclass($1) ORDER BY 1"),
    (
        "{w}",
        "SELECT quote_ident(rulename) FROM pg_rewrite WHERE ev_class = to_regclass($1) AND rulename <> '_RETURN' ORDER BY 1",
    ),
    ("{u}", "SELECT one FROM unnest(ARRAY['parent', 'child', 'parts', 'feelings']) AS one WHERE one <> $1"),
    (
        "{v}",
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relkind = 'v' AND oid > 16384 AND $1 <> '' ORDER BY 1",
    ),
    ("{m}", "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relkind = 'm' AND $1 <> '' ORDER BY 1"),
    ("{s}", "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relkind = 'S' AND $1 <> '' ORDER BY 1"),
    (
        "{f}",
        "SELECT oid::regproc::text FROM pg_proc WHERE oid > 16384 AND pronargs = 0 AND prokind = 'f' AND $1 <> '' AND prorettype <> 'trigger'::regtype AND prorettype <> 'event_trigger'::regtype ORDER BY 1",
    ),
    ("{e}", "SELECT oid::regtype::text FROM pg_type WHERE typtype = 'e' AND $1 <> '' ORDER BY 1"),
    (
        "{d}",
        "SELECT oid::regtype::text FROM pg_type WHERE typtype = 'd' AND oid > 16384 AND $1 <> '' ORDER BY 1",
    ),
    (
        "{o}",
        "SELECT reltype::regtype::text FROM pg_class WHERE relkind = 'c' AND oid > 16384 AND $1 <> '' ORDER BY 1",
    ),
    ("{x}", "SELECT stxname::text FROM pg_statistic_ext WHERE $1 <> '' ORDER BY 1"),
    (
        "{h}",
        "SELECT quote_ident(nspname) FROM pg_namespace WHERE oid > 16384 AND nspname !~ '^pg_' AND $1 <> '' ORDER BY 1",
    ),
];

async fn statement(random: &mut impl Rng, model: &Client) -> Option<String> {
    let all = shapes();
    let shape = all.choose(random)?;
    let pick = |question: &'static str, of: String| async move {
        let rows = model.query(question, &[&of]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
    };
    let tables = pick(
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND $1 = '' ORDER BY 1",
        String::new(),
    )
    .await;
    // Most of the time those that others use.
    let used: Vec<String> =
        tables.iter().filter(|name| base::TABLES.contains(&name.as_str())).cloned().collect();
    let table = if random.random_bool(0.8) { used.choose(random) } else { tables.choose(random) }?.clone();
    let mut text = shape.replace("{t}", &table);
    for (mark, question) in NAMES {
        if text.contains(mark) {
            let name = pick(question, table.clone()).await.choose(random)?.clone();
            text = text.replace(mark, &name);
        }
    }
    let new = format!("n{}", random.random_range(0..1_000_000));
    let number = random.random_range(3000..4990).to_string();
    Some(text.replace("{n}", &new).replace("{r}", &number).replace("{{}}", "{}"))
}
