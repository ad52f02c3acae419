//! What a statement does to those who work beside it: its locks, its work, its phase, and whether it may run.
//!
//! Pure: decided from the parsed text and a few [`Facts`] of the catalogue. The rows are those of the measured
//! table of locks; a test runs each of them on a real server.

mod alter_table;
mod classify;
mod column;
mod constraint;
mod facts;
mod lock;
mod names;
mod names_rows;
mod objects;
mod phase;
mod reason;
mod result;
mod seen;
mod type_change;

pub use classify::{Classifier, classify, classify_all};
pub use facts::{ColumnFacts, Facts, IndexFacts, MaterializedFacts, PartitionFacts};
pub use lock::Lock;
pub(crate) use names::{fold, path, relation, text_of};
pub use phase::{Phase, Who};
pub use reason::Reason;
pub use result::{Class, Work};
pub(crate) use seen::Seen;
