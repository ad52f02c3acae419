//! What to write instead of a refused statement. Pure: text in, text out.

mod alter_table;
mod column;
mod constraint;
mod index;
mod instead;
mod like;
mod materialized;
mod names;
mod not_null;
mod partitioned;
mod rename;
mod rows;
mod sequence;
mod series;
mod sync;
mod type_change;

pub use instead::{Instead, Part, instead};
