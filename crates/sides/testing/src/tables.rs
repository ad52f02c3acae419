//! Holds what a crate declares of its tables to the database.

use manifest::{CATALOGUE_SQL, Catalogue, Manifest, Tables, declared, schema_mismatches};
use tokio_postgres::Client;

use crate::TestDatabase;

/// That the migrated database has each table and column that a crate declares, with its type, and that each statement of the
/// crate names nothing else. `statements` are those that no library checks, such as texts for sqlx or tokio-postgres;
/// diesel's own need not be given.
///
/// ```no_run
/// # async fn example() {
/// const SCHEMA: manifest::Tables = manifest::tables! { people { id: bigint, name: text } };
/// const ADD: &str = "INSERT INTO people (name) VALUES ($1)";
/// let database = sides_testing::TestDatabase::create().await;
/// sides_testing::assert_tables(&database, SCHEMA, &[ADD]).await;
/// # }
/// ```
///
/// # Panics
/// When the database lacks something or has another type, or a statement names what is not declared: with everything that
/// was found.
pub async fn assert_tables(database: &TestDatabase, tables: Tables, statements: &[&str]) {
    let client = ::database::client(database.url()).await.expect("the test server answers");
    let mut listed = Manifest::new("any", "any");
    listed.add_tables(declared(tables));
    // Which columns an INSERT must fill is judged by its text.
    listed.tables.values_mut().for_each(|usage| usage.inserts = None);
    let answer: String =
        client.query_one(CATALOGUE_SQL, &[]).await.expect("the catalogue can be read").get(0);
    let catalogue = Catalogue::read(&answer).expect("the catalogue is understood");
    let mut faults: Vec<String> =
        schema_mismatches(&listed, &catalogue).iter().map(|one| format!("the list {one}")).collect();
    faults.extend(beyond(&client, &catalogue, &listed, statements).await);
    assert!(faults.is_empty(), "what is declared does not agree with the database:\n{}", faults.join("\n"));
}

/// The statements that need more than is listed: they are prepared where nothing else has its name. Nothing of
/// it is kept.
async fn beyond(
    client: &Client,
    catalogue: &Catalogue,
    listed: &Manifest,
    statements: &[&str],
) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut good, why) = (Vec::new(), |error: &tokio_postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
    });
    for statement in statements {
        match client.prepare(statement).await {
            Ok(_) => good.push(*statement),
            Err(error) => faults.push(format!("{}, in: {statement}", why(&error))),
        }
    }
    let reduced = format!("BEGIN; {}", reduction(catalogue, listed));
    client.batch_execute(&reduced).await.expect("what is not listed can be renamed");
    for statement in good {
        client.batch_execute("SAVEPOINT before").await.expect("the transaction goes on");
        if let Err(error) = client.prepare(statement).await {
            faults.push(format!("not listed: {}, in: {statement}", why(&error)));
            client.batch_execute("ROLLBACK TO before").await.expect("the transaction goes on");
        }
    }
    client.batch_execute("ROLLBACK").await.expect("the transaction ends");
    faults
}

/// Gives other names to whatever is not listed. What depends on it goes on, such as a view that is listed.
#[must_use]
pub fn reduction(catalogue: &Catalogue, listed: &Manifest) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut renames = Vec::new();
    for (table, columns) in &catalogue.tables {
        let name = table.split('.').map(quoted).collect::<Vec<_>>().join(".");
        match listed.tables.get(table) {
            None => renames.push(format!("ALTER TABLE {name} RENAME")),
            Some(usage) => {
                let others = columns.keys().filter(|column| !usage.columns.contains_key(*column));
                renames.extend(
                    others.map(|column| format!("ALTER TABLE {name} RENAME COLUMN {}", quoted(column))),
                );
            }
        }
    }
    renames
        .iter()
        .enumerate()
        .map(|(number, rename)| format!("{rename} TO \"not listed {number}\";"))
        .collect()
}
