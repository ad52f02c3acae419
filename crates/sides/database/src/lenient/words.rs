//! Any `text[]`.

use std::fmt;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::{Array, Text},
};
use serde::Serialize;

/// The elements of an array of texts, of however many dimensions, one after the other; those that are NULL too.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromSqlRow, Serialize)]
#[serde(transparent)]
pub struct Words(pub Vec<Option<String>>);

impl FromSql<Array<Text>, Pg> for Words {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let mut reader = Reader(value.as_bytes());
        let dimensions = usize::try_from(reader.number()?)?;
        // Whether there are NULLs, and the elements' type.
        reader.take(8)?;
        let mut count = usize::from(dimensions > 0);
        for _ in 0..dimensions {
            count = count.saturating_mul(usize::try_from(reader.number()?)?);
            // From which index on it counts.
            reader.take(4)?;
        }
        let mut element = || match reader.number()? {
            -1 => Ok(None),
            length => Ok(Some(String::from_utf8_lossy(reader.take(usize::try_from(length)?)?).into_owned())),
        };
        (0..count).map(|_| element()).collect::<deserialize::Result<_>>().map(Self)
    }
}

impl fmt::Display for Words {
    /// Separated by commas; a NULL as such.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|word| word.as_deref().unwrap_or("NULL")).collect();
        f.write_str(&words.join(", "))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> deserialize::Result<i32> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into()?))
    }

    fn take(&mut self, length: usize) -> deserialize::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or("an array that ends too soon")?;
        self.0 = rest;
        Ok(taken)
    }
}
