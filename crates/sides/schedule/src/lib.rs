//! When something is due: expressions, zones, jitter, and what happens to moments that were missed.
//!
//! Values in, moments out. Never knows the database, the network, or what time it is; of files only the rules of zones.
//!
//! ```
//! use chrono::{TimeZone as _, Utc};
//! use sides_schedule::Schedule;
//!
//! let schedule = Schedule::new("report", "0 9 * * mon", "send_report")?;
//! let friday = Utc.with_ymd_and_hms(2026, 1, 2, 12, 0, 0).unwrap();
//! let monday = Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0).unwrap();
//! assert_eq!(schedule.next_after(friday), Some(monday));
//! # Ok::<(), sides_schedule::ScheduleError>(())
//! ```

mod calendar;
mod days;
mod expression;
mod fields;
mod jitter;
mod missed;
mod note;
mod policy;
mod preview;
mod rules;
mod schedule;
mod shown;
mod span;
mod written;
mod zone;
mod zoned;

pub use expression::{Expression, ExpressionError};
pub use missed::due;
pub use note::{Change, Note, next_change};
pub use policy::{Missed, Overlap, PolicyError};
pub use preview::{Preview, preview};
pub use rules::Rules;
pub use schedule::{Schedule, ScheduleError, validate};
pub use shown::{quoted, shown};
pub use written::{Written, WrittenError};
pub use zone::{Zone, ZoneError};
