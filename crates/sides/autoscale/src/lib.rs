//! How many instances of a process there should be: one policy, for the clock that acts and for anyone who tunes it.
//!
//! Pure: figures in, a decision with its reason out. [`simulate()`] plays traffic against the same [`decide()`]. Never
//! knows the database, the network, or what time it is.
//!
//! ```
//! use std::time::Duration;
//!
//! use sides_autoscale::{Policy, Signals, need};
//!
//! // One worker with four slots, all busy; eight jobs wait, the oldest for a minute.
//! let oldest = Duration::from_secs(60);
//! let signals = Signals { instances: 1, slots: 4, busy: 4, waiting: 8, oldest, ..Signals::default() };
//! let need = need(&Policy::between(1, 5), &signals).expect("one is too few");
//! assert_eq!(need.instances, 3, "{}", need.reason);
//! ```

mod decide;
mod need;
mod policy;
mod simulate;
mod traffic;

pub use decide::{Circumstances, Decision, Rule, Verdict, decide};
pub use need::{Need, is_calm, need};
pub use policy::{Policy, PolicyError};
pub use simulate::{Plant, Point, Run, simulate};
pub use traffic::{Arrival, Shape};

use serde::Serialize;
use std::time::Duration;

/// What is measured of one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Signals {
    /// Its instances.
    pub instances: u32,
    /// Instances that do nothing just now.
    pub idle: u32,
    /// How many jobs an instance runs at a time; 0 for a process that runs none.
    pub slots: u32,
    /// Jobs that run.
    pub busy: u32,
    /// Jobs that are due and wait.
    pub waiting: u32,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
    /// How long nearly every request (19 of 20) takes at most, where there were some.
    pub latency: Option<Duration>,
    /// A request from a process: which one, and why.
    pub asked: Option<String>,
}
