//! Whether this build is compatible with the live schema.

use database::Connection;
use diesel::{QueryableByName, sql_types::Text};
use diesel_async::RunQueryDsl as _;
use manifest::{CATALOGUE_SQL, Catalogue, Manifest, SchemaMismatch, schema_mismatches};

/// So many are named; the rest are counted.
const NAMED: usize = 5;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    catalogue: String,
}

/// What the schema lacks for this build, in words; `None` when it is compatible.
pub(crate) async fn mismatch(
    manifest: &Manifest,
    connection: &mut Connection,
) -> diesel::QueryResult<Option<String>> {
    let answer: Answer = diesel::sql_query(CATALOGUE_SQL).get_result(connection).await?;
    let catalogue = Catalogue::read(&answer.catalogue)
        .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    Ok(in_words(&schema_mismatches(manifest, &catalogue)))
}

fn in_words(mismatches: &[SchemaMismatch]) -> Option<String> {
    let mut named: Vec<String> = mismatches.iter().take(NAMED).map(one).collect();
    match mismatches.len() {
        0 => return None,
        more if more > NAMED => named.push(format!("and {} more", more - NAMED)),
        _ => {}
    }
    Some(named.join(", "))
}

fn one(mismatch: &SchemaMismatch) -> String {
    match mismatch {
        SchemaMismatch::Missing { column } => format!("{column} is missing"),
        SchemaMismatch::Type { column, built_for } => format!("{column} is not {built_for}"),
        SchemaMismatch::Required { column } => {
            format!("{column} is required, but this build does not know it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_named() {
        let missing = |at: usize| SchemaMismatch::Missing { column: format!("t.c{at}") };
        assert_eq!(in_words(&[]), None);
        assert_eq!(in_words(&[missing(1)]).unwrap(), "t.c1 is missing");
        let many: Vec<_> = (0..7).map(missing).collect();
        assert!(in_words(&many).unwrap().ends_with("t.c4 is missing, and 2 more"));
    }
}
