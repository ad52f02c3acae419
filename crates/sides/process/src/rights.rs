//! Whether a role has the rights that this build needs.

use database::Connection;
use diesel::{
    QueryableByName,
    sql_types::{Nullable, Text},
};
use diesel_async::RunQueryDsl as _;
use manifest::Manifest;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Nullable<Text>)]
    missing: Option<String>,
}

/// The first few columns that the role may not read although this build does; `None` when there are none.
pub(crate) async fn missing(
    manifest: &Manifest,
    role: &str,
    connection: &mut Connection,
) -> diesel::QueryResult<Option<String>> {
    let columns =
        manifest.tables.iter().flat_map(|(table, used)| used.columns.keys().map(move |one| (table, one)));
    let (tables, columns): (Vec<&str>, Vec<&str>) =
        columns.map(|(table, column)| (table.as_str(), column.as_str())).unzip();
    // What is not there at all is the schema's mismatch, and was looked for before.
    let query = "SELECT string_agg(name, ', ') AS missing FROM (
             SELECT t.name || '.' || a.attname AS name
             FROM unnest($1::text[], $2::text[]) AS t (name, column_name)
             JOIN pg_attribute AS a ON a.attrelid = to_regclass(t.name) AND a.attname = t.column_name AND a.attnum > 0
             JOIN pg_class AS c ON c.oid = a.attrelid
             WHERE NOT has_schema_privilege($3, c.relnamespace, 'USAGE')
                OR NOT has_column_privilege($3, a.attrelid, a.attnum, 'SELECT')
             LIMIT 3) AS lacking";
    let answer: Answer = diesel::sql_query(query)
        .bind::<diesel::sql_types::Array<Text>, _>(tables)
        .bind::<diesel::sql_types::Array<Text>, _>(columns)
        .bind::<Text, _>(role)
        .get_result(connection)
        .await?;
    Ok(answer.missing)
}
