//! Releases: what one would do (`plan`), carried out and undone (`release`), carried out beside the live one first
//! (`rehearse`), and gone wrong there on purpose (`drill`).
//!
//! Who waits is told through [`Progress`]; how that looks is somebody else's. Never knows a terminal, nor the host's code:
//! it gives orders to a place.
//!
//! ```
//! // A commit, as plans and receipts show it.
//! assert_eq!(sides_deploy::plan::short("0123456789abcdef0123456789abcdef01234567"), "01234567");
//! ```

pub mod drill;
mod git;
pub mod places;
pub mod plan;
pub mod preflight;
mod progress;
pub mod rehearse;
pub mod release;
pub mod schedules;

pub use progress::{News, Progress};
