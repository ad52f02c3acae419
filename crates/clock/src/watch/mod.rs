//! Watching: each clock asks every process itself how it is, its own included, without the worker or the queue.
//!
//! [`roster`] says who there is, [`ping`] asks them, [`judge`] decides what that means over time, [`ledger`]
//! writes it down once however many clocks see it, [`tell`] tells people when the queue cannot. Restarting is
//! for a platform to do: it comes in through [`Door`].

mod door;
mod judge;
mod ledger;
mod ping;
mod roster;
mod settings;
mod tell;
mod watcher;

pub use door::Door;
pub use settings::WatchSettings;
pub(crate) use watcher::Watcher;
