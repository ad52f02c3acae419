//! The key that a table is walked along.

use tokio_postgres::{Client, Error};

/// Columns whose values tell every row of a table apart and put them in an order, each with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) columns: Vec<(String, String)>,
}

impl Key {
    /// The primary key, or else the shortest unique index that can stand in for it.
    pub(crate) async fn of(client: &Client, table: &str) -> Result<Option<Self>, Error> {
        let rows = client
            .query(
                "SELECT a.attname, format_type(a.atttypid, a.atttypmod)
                 FROM (
                     SELECT indrelid, indkey, indnkeyatts FROM pg_index AS i
                     WHERE indrelid = to_regclass($1) AND indisunique AND indisvalid AND indimmediate
                       AND indpred IS NULL AND indexprs IS NULL
                       AND NOT EXISTS (SELECT FROM unnest(indoption) AS o WHERE o <> 0)
                       AND NOT EXISTS (SELECT FROM pg_attribute AS n
                                       WHERE n.attrelid = indrelid AND n.attnum = ANY (indkey) AND NOT n.attnotnull)
                     ORDER BY indisprimary DESC, indnkeyatts, indexrelid LIMIT 1
                 ) AS i, generate_series(0, i.indnkeyatts - 1) AS place
                 JOIN pg_attribute AS a ON true
                 WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[place]
                 ORDER BY place",
                &[&table.trim_start_matches("ONLY ").trim_end_matches('*').trim()],
            )
            .await?;
        let columns: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok((!columns.is_empty()).then_some(Self { columns }))
    }

    /// Its columns under an alias, ready to be written.
    pub(crate) fn quoted(&self, alias: &str) -> impl Iterator<Item = String> {
        self.columns.iter().map(move |(name, _)| format!("{alias}.\"{}\"", name.replace('"', "\"\"")))
    }

    /// The same as a row.
    pub(crate) fn row(&self, alias: &str) -> String {
        format!("({})", self.quoted(alias).collect::<Vec<_>>().join(", "))
    }

    /// Values of it as parameters from `$first` on, each given as text.
    pub(crate) fn parameters(&self, first: usize) -> String {
        let values = self.columns.iter().enumerate();
        let values: Vec<_> =
            values.map(|(place, (_, ty))| format!("${}::text::{ty}", first + place)).collect();
        format!("({})", values.join(", "))
    }
}
