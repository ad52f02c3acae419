//! When something is due: expressions, zones, jitter, and what happens to moments that nobody could keep.
//!
//! Pure: values in, moments out. Never knows the database, the network, or what time it is.

mod calendar;
mod expression;
mod fields;
mod jitter;
mod missed;
mod note;
mod policy;
mod preview;
mod schedule;
mod span;
mod written;
mod zoned;

pub use expression::{Expression, ExpressionError};
pub use missed::due;
pub use note::{Change, Note, next_change};
pub use policy::{Missed, Overlap, PolicyError};
pub use preview::{Preview, preview};
pub use schedule::{Schedule, ScheduleError, validate};
pub use written::{Written, WrittenError};
