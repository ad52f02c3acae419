//! Processes on this machine: started, watched, restarted, drained.
//!
//! [`Supervisor::keep`] takes a [`Launch`] and keeps one copy of it running until [`Supervisor::drain`]. The
//! story of one process is in `keeper`, the decision when to try again in `restart`, everything the kernel
//! is asked for in `spawn`.
//!
//! How mistakes are caught: a child dies with its supervisor, however that dies (`spawn`); a group that
//! outlives its leader is killed (`keeper`); a process counts as ready only when it answers (`probe`).

mod exit;
mod keeper;
mod launch;
mod output;
mod ports;
mod probe;
mod restart;
mod spawn;
mod status;
mod supervisor;

pub use exit::Exit;
pub use launch::{Launch, find_program};
pub use output::Line;
pub use ports::{PortError, Ports};
pub use restart::{Policy, Restart};
pub use spawn::{Group, bind_to_supervisor};
pub use status::{Event, Happening, ProcessStatus, State};
pub use supervisor::{NotReplaced, Supervisor, Watch};
