//! Processes on this machine: started, watched, restarted, drained.
//!
//! [`Supervisor::keep`] takes a [`Launch`] and keeps instances of it running until [`Supervisor::drain`]. The
//! story of one instance is in `keeper`, the decision when to try again in `restart`, everything the kernel
//! is asked for in `spawn`. Others reach the supervisor through [`control`]; [`LocalHost`] is the [place](crate::place)
//! behind that socket.
//!
//! How mistakes are caught: a child dies with its supervisor, however that dies (`spawn`), or outlives it and is
//! found and adopted by the next one (`lifetime`, `orphan`); a group that
//! outlives its leader is killed (`keeper`); a process counts as ready only when it answers (`probe`).

mod beside;
mod bundle;
mod canary;
pub mod control;
mod exit;
mod follow;
mod identity;
mod instances;
mod keeper;
mod launch;
mod lifetime;
pub mod logs;
mod memory;
mod orphan;
mod output;
mod place;
mod ports;
mod private;
mod probe;
mod restart;
pub mod socket_keeper;
mod spawn;
mod status;
mod supervisor;

pub use exit::Exit;
pub use identity::ProcessIdentity;
pub use instances::NotReplaced;
pub use launch::{Launch, find_program};
pub use lifetime::Lifetime;
pub use orphan::{Orphan, orphans};
pub use output::Line;
pub use place::{LocalHost, MOST_INSTANCES};
pub use ports::{PortError, Ports};
pub use private::write_private;
pub use restart::{Policy, Restart};
pub use spawn::{Group, bind_to_supervisor, leave_the_terminal};
pub use status::{Event, Happening, ProcessStatus, State};
pub use supervisor::{Heavy, Supervisor, Watch};
