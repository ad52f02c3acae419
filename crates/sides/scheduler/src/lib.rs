//! Fires jobs by name when they are due.
//!
//! A tick is one due moment of one schedule. Its row in `sides.ticks` and its job are written in one
//! transaction, and the row's primary key makes it fire once: any number of schedulers may run, none leads, and
//! each may be killed at any time. A scheduler sleeps until the next tick; it does not poll. What people change in
//! the database, every scheduler hears of at once.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use schedule::Schedule;
//! use sides_scheduler::{Scheduler, declaration};
//!
//! fn main() -> ExitCode {
//!     let schedules = || Ok::<_, schedule::ScheduleError>(vec![Schedule::new("report", "0 9 * * 1-5", "send_report")?]);
//!     process::Definition::new("clock", "Fires jobs when they are due.")
//!         .declares(declaration(&schedules().unwrap_or_default()))
//!         .run(|_| (), move |process, ()| async move {
//!             Scheduler::new(schedules()?).start(&process)?;
//!             process.drain.started().await;
//!             Ok(())
//!         })
//! }
//! ```
//!
//! Knows the kind of a job and its arguments; never a model, a handler or a process by its name.

mod announce;
mod declaration;
mod metrics;
mod orders;
mod scheduler;
mod session;
mod tick;
mod ticker;
mod time;
mod timeline;
mod wall;

pub use declaration::declaration;
pub use scheduler::Scheduler;
pub use time::{SystemTime, Time};

/// The tables that this crate uses, for a [`process::Declaration`].
pub const SCHEMA: manifest::Tables = &[
    ::schema::table("schedules"),
    ::schema::table("stored_schedules"),
    ::schema::table("schedule_pauses"),
    ::schema::table("schedule_runs"),
    ::schema::table("ticks"),
];
