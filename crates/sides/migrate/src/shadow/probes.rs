//! What code that runs says to the tables and views that a migration names.

use std::collections::BTreeSet;

use tokio_postgres::{Client, Error};

/// A table or view, and how code speaks to it: by an explicit list of columns, as diesel and every careful program do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) oid: u32,
    /// Without `public`.
    pub(crate) name: String,
    written: String,
    is_table: bool,
    columns: String,
    given: String,
    values: String,
    unchanged: String,
    /// What roles may do that do not own it.
    pub(crate) rights: BTreeSet<String>,
}

/// Those with one of these names, and the views that read them; of every table when nobody knows the names.
pub(crate) async fn mentioned(eye: &Client, words: Option<&BTreeSet<String>>) -> Result<Vec<Probe>, Error> {
    let words: Option<Vec<&str>> = words.map(|words| words.iter().map(String::as_str).collect());
    let rows = eye.query(include_str!("probes.sql"), &[&words]).await?;
    let probe = |row: &tokio_postgres::Row| Probe {
        oid: row.get(0),
        name: row.get(1),
        written: row.get(2),
        is_table: row.get(3),
        columns: row.get(4),
        given: row.get(5),
        values: row.get(6),
        unchanged: row.get(7),
        rights: row.get::<_, Vec<String>>(8).into_iter().collect(),
    };
    Ok(rows.iter().map(probe).collect())
}

impl Probe {
    /// The statements of code, in an order in which each finds a row.
    pub(crate) fn statements(&self) -> Vec<String> {
        let Self { written, columns, unchanged, .. } = self;
        if columns.is_empty() {
            return Vec::new();
        }
        let mut statements = Vec::new();
        if self.is_table {
            statements.push(format!("{} RETURNING {columns}", self.insert(30_001, 30_001)));
        }
        statements.push(format!("SELECT {columns} FROM {written}"));
        if self.is_table {
            if !unchanged.is_empty() {
                statements.push(format!("UPDATE {written} SET {unchanged} RETURNING {columns}"));
            }
            statements.push(format!("DELETE FROM {written} RETURNING {columns}"));
        }
        statements
    }

    /// Fills a table with this many made rows.
    pub(crate) fn fill(&self, count: u32) -> Option<String> {
        self.is_table.then(|| format!("{} ON CONFLICT DO NOTHING", self.insert(1, count)))
    }

    fn insert(&self, first: u32, last: u32) -> String {
        let Self { written, given, values, .. } = self;
        if given.is_empty() {
            return format!("INSERT INTO {written} DEFAULT VALUES");
        }
        format!(
            "INSERT INTO {written} ({given}) SELECT {values} FROM generate_series({first}, {last}) AS made (n)"
        )
    }
}

/// A function that runs statements one by one in one round trip, and says how each went: nothing, or its error.
pub(crate) const TRY: &str = "
    CREATE OR REPLACE FUNCTION pg_temp.sides_try(statements text[]) RETURNS text[] LANGUAGE plpgsql AS $try$
    DECLARE
        statement text;
        said text[] := '{}';
    BEGIN
        FOREACH statement IN ARRAY statements LOOP
            BEGIN
                EXECUTE statement;
                said := said || ''::text;
            EXCEPTION WHEN OTHERS THEN
                said := said || (SQLERRM || ' (' || SQLSTATE || ')');
            END;
        END LOOP;
        RETURN said;
    END
    $try$";

/// Runs them so. Whatever they did is the transaction's.
pub(crate) async fn try_all(eye: &Client, statements: &[String]) -> Result<Vec<String>, Error> {
    Ok(eye.query_one("SELECT pg_temp.sides_try($1)", &[&statements]).await?.get(0))
}
