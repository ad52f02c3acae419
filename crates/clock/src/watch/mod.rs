//! Watching: each clock asks every process itself how it is, its own included, without the worker or the queue.
//!
//! [`roster`] says who there is, [`ping`] asks them, [`judge`] decides what that means over time, [`ledger`]
//! writes it down once however many clocks see it, [`tell`] tells people when the queue cannot. [`restarts`] decides
//! when what is down is started afresh, and [`restarting`] has its place do it, through [`Door`](crate::door::Door).

mod judge;
pub(crate) mod ledger;
mod ping;
mod restarting;
pub(crate) mod restarts;
pub(crate) mod roster;
mod settings;
mod tell;
mod watcher;

pub use settings::WatchSettings;
pub(crate) use watcher::Watcher;
