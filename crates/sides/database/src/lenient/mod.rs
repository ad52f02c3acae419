//! Values that Postgres can hold and Rust cannot, read so that none of them costs more than itself.
//!
//! A query whose one row holds an infinite moment or an array with a NULL fails as a whole where such a value is read
//! strictly: a list shows nothing, a clock knows no schedule. These types take every value of their Postgres type.

mod json;
mod moment;
mod words;

pub use json::{Json, OptionalJson};
pub use moment::{Moment, OptionalMoment};
pub use words::Words;
