//! Changing any number of rows beside the code that uses them: in batches along the table's key.
//!
//! Each batch is one short transaction together with its checkpoint, so that a kill, a restart of Postgres or a
//! release in between lose nothing and repeat nothing. Between batches it rests, longer when replicas lag or others
//! have much to do. A person can pause it and resume it.

mod batch;
mod checkpoint;
mod key;
mod load;
mod orders;
mod pace;
mod reads;
mod rows;
mod run;
mod whole;

pub(crate) use batch::Batched;
pub use checkpoint::{Progress, Standing};
pub use load::Load;
pub use orders::{pause, progress, resume};
pub use pace::{Pace, PaceOptions, Slow};
pub(crate) use rows::{Batches, in_batches, walk};
pub use run::{backfill, lock};
