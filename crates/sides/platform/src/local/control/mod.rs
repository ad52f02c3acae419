//! How others reach a running `dev` or host: a lock that says there is one, a socket that asks it.
//!
//! Both lie in the run folder (`.sides/run/`), which only its user may enter; the socket asks the kernel who calls
//! anyway. The lock is the kernel's too, so a killed host leaves none behind; its stale socket is replaced by
//! the next one that holds the lock. A host tells its children the folder in [`HOST_VARIABLE`].

mod client;
mod error;
mod lock;
mod protocol;
mod server;
mod socket;

pub use client::{Client, Statuses, status};
pub use error::ControlError;
pub use lock::Lock;
pub use protocol::{
    Done, Failure, Killed, Order, Phase, PostgresState, PostgresStatus, Request, Status, What,
};
pub use server::{Server, Task};

/// Why a command for a host is refused where a `dev` runs.
pub const IS_DEV: &str = "dev is running here and replaces its processes by itself; stop it with `sides stop` and start a \
                          host with `sides up`";

/// The variable that tells a child of a host where its control socket is: the path of the run folder.
pub const HOST_VARIABLE: &str = "SIDES_HOST";

/// The variable by which a host that replaces itself tells its next build which descriptors it has left open: that of
/// its lock, a comma, that of web's listening socket.
pub const HANDOVER_VARIABLE: &str = "SIDES_HANDOVER";
