//! The schema of a contract's arguments, derived from the type.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, MapAccess, Visitor,
};

use crate::Job;

/// The fields of a contract's arguments with the names of their JSON types, `?` behind those that may be missing.
///
/// Serde's own derive names the fields and asks for their types; no value is needed. Arguments that are no
/// struct have no fields, and a field whose type decides by what it meets is `any`.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Greet {
///     person_id: i64,
/// }
///
/// impl sides_job::Job for Greet {
///     const KIND: &'static str = "greet";
/// }
///
/// assert_eq!(sides_job::fields::<Greet>()["person_id"], "integer");
/// ```
#[must_use]
pub fn fields<J: Job>() -> BTreeMap<String, String> {
    names::<J>().iter().map(|name| ((*name).to_owned(), kind::<J>(name))).collect()
}

fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let names = RefCell::default();
    // Always an error: it has heard enough.
    drop(T::deserialize(Struct { names: &names, field: None }));
    names.into_inner()
}

fn kind<T: DeserializeOwned>(name: &'static str) -> String {
    let kind = RefCell::default();
    drop(T::deserialize(Struct { names: &RefCell::default(), field: Some((name, &kind)) }));
    match kind.into_inner() {
        text if text.is_empty() => "any".to_owned(),
        text => text,
    }
}

/// What every question ends with.
#[derive(Debug)]
struct Heard;

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("heard enough")
    }
}

impl std::error::Error for Heard {}

impl serde::de::Error for Heard {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Hears which fields a struct has, or offers it one of them.
struct Struct<'a> {
    names: &'a RefCell<&'static [&'static str]>,
    field: Option<(&'static str, &'a RefCell<String>)>,
}

impl<'de> Deserializer<'de> for Struct<'_> {
    type Error = Heard;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Heard> {
        Err(Heard)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Heard> {
        match self.field {
            Some((name, kind)) => visitor.visit_map(One { name: Some(name), kind }),
            None => {
                self.names.replace(fields);
                Err(Heard)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Heard> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct One<'a> {
    name: Option<&'static str>,
    kind: &'a RefCell<String>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Heard;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Heard> {
        let name = self.name.take().ok_or(Heard)?;
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Heard> {
        seed.deserialize(Kind { kind: self.kind, optional: false })
    }
}

/// Writes down what it is asked for.
struct Kind<'a> {
    kind: &'a RefCell<String>,
    optional: bool,
}

impl Kind<'_> {
    fn is<T>(self, kind: &str) -> Result<T, Heard> {
        let mark = if self.optional { "?" } else { "" };
        self.kind.replace(format!("{kind}{mark}"));
        Err(Heard::custom(kind))
    }
}

macro_rules! hears {
    ($($method:ident($($argument:ty),*) $kind:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, Heard> {
            self.is($kind)
        }
    )*};
}

type Names = &'static [&'static str];

impl<'de> Deserializer<'de> for Kind<'_> {
    type Error = Heard;

    hears! {
        deserialize_any() "any" deserialize_bool() "boolean"
        deserialize_i8() "integer" deserialize_i16() "integer" deserialize_i32() "integer"
        deserialize_i64() "integer" deserialize_i128() "integer" deserialize_u8() "integer"
        deserialize_u16() "integer" deserialize_u32() "integer" deserialize_u64() "integer"
        deserialize_u128() "integer" deserialize_f32() "number" deserialize_f64() "number"
        deserialize_char() "string" deserialize_str() "string" deserialize_string() "string"
        deserialize_bytes() "array" deserialize_byte_buf() "array" deserialize_unit() "null"
        deserialize_unit_struct(&'static str) "null" deserialize_seq() "array"
        deserialize_tuple(usize) "array" deserialize_tuple_struct(&'static str, usize) "array"
        deserialize_map() "object" deserialize_struct(&'static str, Names) "object"
        deserialize_enum(&'static str, Names) "enum" deserialize_identifier() "string"
        deserialize_ignored_any() "any"
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Heard> {
        visitor.visit_some(Self { optional: true, ..self })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Heard> {
        visitor.visit_newtype_struct(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Id(i64);

    #[derive(Serialize, Deserialize)]
    struct Mail {
        id: Id,
        #[serde(rename = "to")]
        address: String,
        at: Option<chrono::DateTime<chrono::Utc>>,
        ratio: f32,
        tags: Vec<String>,
        more: BTreeMap<String, String>,
        anything: serde_json::Value,
    }

    impl Job for Mail {
        const KIND: &'static str = "mail";
    }

    #[derive(Serialize, Deserialize)]
    struct Nothing {}

    impl Job for Nothing {
        const KIND: &'static str = "nothing";
    }

    #[test]
    fn fields_are_named_as_they_cross_the_border() {
        let expected = [
            ("anything", "any"),
            ("at", "string?"),
            ("id", "integer"),
            ("more", "object"),
            ("ratio", "number"),
            ("tags", "array"),
            ("to", "string"),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        assert_eq!(fields::<Mail>(), expected);
        assert!(fields::<Nothing>().is_empty());
    }
}
