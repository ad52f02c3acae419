//! Gets the programs that a machine lacks: Postgres' server, and a browser with its driver for tests.
//!
//! [`ensure()`] looks for them, says in one line what it is about to do and how to forbid it, and then has the
//! system's package manager install them, as root or through `sudo`. On Debian and its descendants an ordinary
//! user gets them unpacked into a cache of their own instead, and the system stays as it was.
//!
//! Uses only the standard library, since it is built before everything else. Never knows another crate.
//!
//! ```
//! use sides_install::{Need, install_command};
//!
//! if !Need::Postgres.is_met() {
//!     println!("install it: {}", install_command(Need::Postgres).unwrap_or_default());
//! }
//! ```

mod by_hand;
mod cache;
mod consent;
mod decision;
mod ensure;
mod error;
mod found;
mod need;
mod package_manager;
mod run;
mod situation;
mod unpack;

pub use by_hand::install_command;
pub use cache::folder as cache_folder;
pub use consent::Consent;
pub use ensure::{ask, ensure};
pub use error::{Failure, InstallError};
pub use found::{Browser, Installation, browser, installations, program};
pub use need::Need;
