//! Job contracts: what an enqueuer and a handler agree on, and nothing else.
//!
//! One file a job. Its handler lives in `worker` under the same file name.

mod greet;

pub use greet::Greet;
