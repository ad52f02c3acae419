//! `models::schema` is what the database has. Diesel itself believes whatever is written there.

use std::collections::BTreeMap;

use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl as _;
use testing::TestDatabase;

#[derive(Debug, diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_types_and_nullability_are_the_databases() {
    let database = TestDatabase::create().await;
    let found: Vec<Column> = diesel::sql_query(
        "SELECT c.relname::text AS \"table\", a.attname::text AS name, t.typname::text AS kind, NOT a.attnotnull AS nullable
         FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
           AND NOT a.attisdropped AND NOT starts_with(c.relname, '__diesel')
         ORDER BY c.relname, a.attnum",
    )
    .load(&mut database.connect().await)
    .await
    .unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Column { table, name, kind, nullable } in found {
        let kind = diesel_name(&kind);
        let kind = if nullable { format!("Nullable<{kind}>") } else { kind };
        tables.entry(table).or_default().push(format!("{name} -> {kind}"));
    }
    assert_eq!(declared(include_str!("../../../models/src/schema.rs")), tables);
}

fn diesel_name(postgres: &str) -> String {
    if let Some(element) = postgres.strip_prefix('_') {
        return format!("Array<Nullable<{}>>", diesel_name(element));
    }
    let mut name = postgres.to_owned();
    name[..1].make_ascii_uppercase();
    name
}

/// The `table!`s, read as rustfmt writes them: `name (key) {`, then `column -> Type,`.
fn declared(source: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for table in source.split("diesel::table! {").skip(1) {
        let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        let name = lines.next().and_then(|line| line.split([' ', '(']).next()).unwrap().to_owned();
        let columns = lines.take_while(|line| *line != "}");
        let columns: Vec<String> = columns.map(|line| line.trim_end_matches(',').to_owned()).collect();
        assert!(columns.iter().all(|column| column.contains(" -> ")), "{name}: {columns:?}");
        tables.insert(name, columns);
    }
    tables
}
