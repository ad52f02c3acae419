//! Which of fang's job types are linked into this build.

use std::fmt;

use fang::AsyncRunnable;
use serde::{
    Deserialize as _,
    de::{Deserializer, Visitor, value::MapDeserializer},
};

/// The kinds of all linked types that implement fang's `AsyncRunnable`: typetag's names, in order.
///
/// typetag shows its register to nobody, but names all it knows when it is asked for one that it does not.
#[must_use]
pub fn fang_kinds() -> Vec<&'static str> {
    match Box::<dyn AsyncRunnable>::deserialize(Ask) {
        Ok(_) => Vec::new(),
        Err(Known(kinds)) => kinds.to_vec(),
    }
}

struct Ask;

impl<'de> Deserializer<'de> for Ask {
    type Error = Known;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Known> {
        visitor.visit_map(MapDeserializer::new(std::iter::once(("type", ""))))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The answer, which comes as an error.
#[derive(Debug)]
struct Known(&'static [&'static str]);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Known {}

impl serde::de::Error for Known {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self(known)
    }
}
