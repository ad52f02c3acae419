//! Watching: every instance is asked how it is, the controller's own included, without a worker or the queue.
//!
//! [`probe`] asks them, [`detector`] decides what that means over time, and [`notify`] tells people when the queue
//! cannot. [`restart`] has what is down restarted where its [budget](crate::budget) allows it.

mod detector;
mod notify;
mod probe;
mod restart;
mod settings;
mod watcher;

pub use settings::WatchSettings;
pub(crate) use watcher::Watcher;
