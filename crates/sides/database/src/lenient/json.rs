//! Any `jsonb`.

use std::fmt;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::{Jsonb, Nullable},
};
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

/// JSON as Postgres writes it, to the last digit: its numbers have no limit, and its depth hardly one.
#[derive(Debug, Clone, FromSqlRow)]
pub struct Json(Box<RawValue>);

impl Json {
    /// What it says.
    ///
    /// # Errors
    /// When it holds a number that no f64 comes near, or is nested too deep to read.
    pub fn value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

impl FromSql<Jsonb, Pg> for Json {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let text = value.as_bytes().strip_prefix(&[1]).ok_or("jsonb of an unknown version")?;
        let text = String::from_utf8_lossy(text).into_owned();
        Ok(Self(RawValue::from_string(text)?))
    }
}

impl From<Json> for Value {
    /// What cannot be read is its text.
    fn from(json: Json) -> Self {
        json.value().unwrap_or_else(|_| Self::String(json.text().to_owned()))
    }
}

/// JSON that may be NULL, for `deserialize_as`.
#[derive(Debug, Clone, FromSqlRow)]
pub struct OptionalJson(pub Option<Json>);

impl FromSql<Nullable<Jsonb>, Pg> for OptionalJson {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Json::from_sql(value).map(|json| Self(Some(json)))
    }

    fn from_nullable_sql(value: Option<PgValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(Self(None)), Self::from_sql)
    }
}

impl From<OptionalJson> for Option<Value> {
    fn from(json: OptionalJson) -> Self {
        json.0.map(Value::from)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
