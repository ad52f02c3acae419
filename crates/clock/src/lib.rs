//! Fires jobs by name when they are due.
//!
//! A tick is one due moment of one schedule. Its row in `sides.ticks` and its job are written in one
//! transaction, and the row's primary key makes it fire once: any number of clocks may run, none leads, and
//! each may be killed at any time. A clock sleeps until the next tick; it does not poll. What people change in
//! the database, every clock hears of at once.
//!
//! Beside that it watches every process, itself included, writes down what it finds, and restarts what is down
//! through the place that runs it, recycles workers and scales; see `watch`, `tend` and `door`.
//!
//! Never knows models or handlers, and its database role has no right on their tables.

mod announce;
mod clock;
mod copy;
mod declaration;
mod door;
mod figures;
mod heroku;
mod orders;
mod prune;
pub mod schedules;
mod schema;
mod session;
mod tend;
mod tick;
mod ticker;
mod time;
mod timeline;
mod wall;
mod watch;

pub use clock::Clock;
pub use declaration::declaration;
pub use heroku::HerokuSettings;
pub use tend::TendSettings;
pub use time::{SystemTime, Time};
pub use watch::WatchSettings;
